import type { Fleet } from "./fleet.ts";

/** How many sentinels run each image: a column for each of the fleets given, under its name. */
export function imageTable(fleets: Readonly<Record<string, Fleet>>): string[] {
  const names = Object.keys(fleets);
  const running = Object.values(fleets).map(imagesOf);
  const images = [...new Set(running.flat())].toSorted().reverse();
  const longest = Math.max(...images.map(({ length }) => length));
  const rows = images.map((image) => [image, ...running.map((all) => count(all, image))]);
  return [["", ...names], ...rows].map(([image = "", ...cells]) => {
    const aligned = cells.map((cell, index) => cell.padStart(names[index]?.length ?? 0));
    return ["", image.padEnd(longest), ...aligned].join("  ");
  });
}

function imagesOf(fleet: Fleet): string[] {
  return [...fleet.values()].map(({ runningImage }) => runningImage);
}

function count(images: readonly string[], image: string): string {
  return String(images.filter((other) => other === image).length);
}
