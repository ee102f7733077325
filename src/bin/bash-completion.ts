/**
 * For bash 3.2 and later. Words are handed on as they are typed, none of them
 * is run. bash splits at `=`; what belongs together is put together again.
 */
export const BASH_COMPLETION = `# bash completion for hydra
_hydra_completion() {
  local words=() word value directive= i
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == "=" || \${COMP_WORDS[i - 1]} == "=" ]] && ((\${#words[@]} > 0)); then
      words[\${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
  done
  COMPREPLY=()
  while IFS=$'\\t' read -r value _; do
    case $value in
      :*) directive=$value ;;
      *) COMPREPLY+=("$value") ;;
    esac
  done < <("$1" complete -- "\${words[@]}" 2>/dev/null)
  if [[ $directive == ":0" ]]; then
    compopt -o default 2>/dev/null
  fi
}
complete -F _hydra_completion hydra`;
