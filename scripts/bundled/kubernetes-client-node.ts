// What src uses of this package, which is a small part of it: whole, it takes half a second and 45 MB more.
export { HttpMethod, IsomorphicFetchHttpLibrary, KubeConfig, loadYaml, RequestContext } from "@kubernetes/client-node";
