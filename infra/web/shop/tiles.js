// Pictures of products that have none: a package drawn from the product's category.

import { h } from "/common/dom.js";

const shape = (tag, props) => h(tag, props);
const path = (d, part) => shape("path", { d, class: part });
const rect = (x, y, width, height, rx, part) =>
  shape("rect", { x, y, width, height, rx, class: part });
const oval = (cx, cy, rx, ry, part) => shape("ellipse", { cx, cy, rx, ry, class: part });

// Each draws into 0..64; `body`, `label` and `ink` are coloured by the style sheet.
const DRAWINGS = {
  can: () => [
    rect(18, 14, 28, 38, 4, "body"),
    rect(18, 24, 28, 18, 0, "label"),
    oval(32, 15, 14, 4, "edge"),
    oval(32, 33, 5, 5, "ink"),
  ],
  jar: () => [
    rect(20, 12, 24, 7, 2, "edge"),
    rect(17, 20, 30, 34, 7, "body"),
    rect(17, 29, 30, 16, 0, "label"),
    rect(25, 35, 14, 3, 1.5, "ink"),
  ],
  bottle: () => [
    path("M28 8h8v11c0 3 7 6 7 13v20a3 3 0 0 1-3 3H24a3 3 0 0 1-3-3V32c0-7 7-10 7-13z", "body"),
    rect(21, 34, 22, 13, 0, "label"),
    rect(27, 7, 10, 5, 1.5, "edge"),
    rect(26, 39, 12, 3, 1.5, "ink"),
  ],
  carton: () => [
    path("M20 22l5-9h14l5 9v32H20z", "body"),
    path("M20 22h24l-5-9H25z", "edge"),
    rect(20, 32, 24, 14, 0, "label"),
    path("M32 35c3 4 4 5 4 7a4 4 0 0 1-8 0c0-2 1-3 4-7z", "ink"),
  ],
  box: () => [
    rect(17, 12, 30, 42, 2, "body"),
    rect(17, 12, 30, 7, 2, "edge"),
    rect(22, 25, 20, 14, 2, "label"),
    rect(26, 30, 12, 3, 1.5, "ink"),
    rect(22, 45, 12, 3, 1.5, "edge"),
  ],
  bag: () => [
    path("M19 12h26l-2 5 3 33-3 4H21l-3-4 3-33z", "body"),
    path("M19 12h26l-2 5H21z", "edge"),
    oval(32, 34, 9, 9, "label"),
    oval(32, 34, 4, 4, "ink"),
  ],
  cup: () => [
    path("M19 20h26l-4 33H23z", "body"),
    oval(32, 19, 15, 4, "edge"),
    path("M20.5 31h23l-1.5 12h-20z", "label"),
    oval(32, 37, 4, 3, "ink"),
  ],
  wedge: () => [
    path("M10 44l34-22c6 3 10 9 10 16v6z", "body"),
    path("M10 44h44v8H10z", "label"),
    oval(40, 38, 4, 3.4, "ink"),
    oval(29, 41, 2.6, 2.2, "ink"),
  ],
  loaf: () => [
    path(
      "M13 32c-4-9 4-14 10-13 4-5 14-5 18 0 6-1 14 4 10 13v17a3 3 0 0 1-3 3H16a3 3 0 0 1-3-3z",
      "body",
    ),
    path("M23 30v14M32 29v15M41 30v14", "line"),
  ],
  pizza: () => [
    path("M10 20c13-9 31-9 44 0L32 56z", "body"),
    path("M10 20c13-9 31-9 44 0l-3 5c-11-7-27-7-38 0z", "edge"),
    oval(27, 31, 3.6, 3.6, "ink"),
    oval(37, 33, 3.6, 3.6, "ink"),
    oval(32, 43, 3, 3, "ink"),
  ],
  cone: () => [
    path("M22 30h20L32 57z", "edge"),
    oval(32, 23, 13, 12, "body"),
    path("M20 27c4 4 8-1 12 3 4-4 8 1 12-3", "line"),
  ],
  fish: () => [
    path("M9 32c8-13 26-15 37-3l9-8c1 7 1 15 0 22l-9-8C35 47 17 45 9 32z", "body"),
    path("M26 23c3 6 3 12 0 18", "line"),
    oval(17, 30, 2, 2, "ink"),
  ],
  steak: () => [
    path("M14 26c4-12 22-14 31-7 9 6 8 19-1 25-6 4-9 1-15 6-6 4-14 1-15-6-1-6-2-12 0-18z", "body"),
    path("M21 29c4-6 14-7 19-3 4 4 2 10-4 12-4 2-6 1-10 4-4 2-6-1-6-5 0-3 0-6 1-8z", "label"),
    oval(30, 32, 3.4, 3.4, "ink"),
  ],
  sausage: () => [
    path("M12 24c0-6 9-7 10 0 2 12 18 12 20 0 1-7 10-6 10 0 0 26-40 26-40 0z", "body"),
    path("M20 41l4 4M30 44v5M40 45l4-4", "line"),
  ],
  egg: () => [
    path("M32 10c9 0 15 14 15 24 0 11-7 18-15 18s-15-7-15-18c0-10 6-24 15-24z", "body"),
    oval(32, 36, 7, 7, "label"),
  ],
  apple: () => [
    path(
      "M32 21c5-5 18-4 18 11 0 12-8 22-13 22-3 0-3-1-5-1s-2 1-5 1c-5 0-13-10-13-22 0-15 13-16 18-11z",
      "body",
    ),
    path("M32 21c0-5 2-9 6-11", "line"),
    path("M34 15c4-6 10-6 13-5-1 5-6 9-13 5z", "label"),
  ],
  orange: () => [
    oval(32, 34, 20, 20, "body"),
    oval(32, 34, 15, 15, "label"),
    path("M32 20v28M20 27l24 14M44 27L20 41", "line"),
    path("M32 14c2-5 7-7 12-6-1 5-6 8-12 6z", "ink"),
  ],
  banana: () => [
    path("M14 18c2 16 14 27 34 27 3 0 4-2 3-4-1-3-3-4-6-5-12-3-20-10-24-21-1-3-8-1-7 3z", "body"),
    path("M20 18c4 13 13 21 27 23", "line"),
  ],
  berry: () => [
    path("M32 56C20 50 13 40 14 30c1-7 8-9 18-9s17 2 18 9c1 10-6 20-18 26z", "body"),
    path("M20 20c4-1 5-5 12-7 7 2 8 6 12 7-4 5-8 6-12 6s-8-1-12-6z", "label"),
    oval(25, 34, 1.5, 2, "ink"),
    oval(32, 38, 1.5, 2, "ink"),
    oval(39, 34, 1.5, 2, "ink"),
    oval(28, 44, 1.5, 2, "ink"),
    oval(36, 45, 1.5, 2, "ink"),
  ],
  grapes: () => [
    oval(24, 26, 6.5, 6.5, "body"),
    oval(37, 26, 6.5, 6.5, "body"),
    oval(30.5, 35, 6.5, 6.5, "edge"),
    oval(43, 35, 5.5, 5.5, "body"),
    oval(19, 35, 5.5, 5.5, "body"),
    oval(25, 44, 6, 6, "body"),
    oval(37, 44, 6, 6, "body"),
    oval(31, 53, 5.5, 5.5, "edge"),
    path("M31 20c0-5 1-8 4-11", "line"),
  ],
  leaf: () => [
    path("M12 50C10 26 26 10 54 12c2 28-14 42-38 38z", "body"),
    path("M12 54C22 40 32 30 46 21", "line"),
  ],
  carrot: () => [
    path("M24 26c5-5 14-2 15 5 0 5-14 20-22 24-3 1-5-1-4-4 2-8 6-20 11-25z", "body"),
    path("M37 27c1-9 5-14 9-16 1 4 0 6-2 9 5-2 8-2 11 0-2 5-8 9-18 7z", "label"),
    path("M24 35l4 3M20 43l4 3", "line"),
  ],
  candy: () => [
    path("M8 22l12 6v8L8 42zM56 22l-12 6v8l12 6z", "label"),
    oval(32, 32, 14, 12, "body"),
    path("M26 23c-3 6-3 12 0 18M36 21c-3 7-3 15 0 22", "line"),
  ],
  cookie: () => [
    oval(32, 32, 21, 21, "body"),
    oval(25, 25, 3.2, 3.2, "ink"),
    oval(39, 27, 3.2, 3.2, "ink"),
    oval(32, 40, 3.2, 3.2, "ink"),
    oval(22, 37, 2.4, 2.4, "ink"),
    oval(43, 38, 2.2, 2.2, "ink"),
  ],
  bone: () => [
    path(
      "M19 18a6 6 0 0 1 6 8l13 13a6 6 0 1 1 3 9 6 6 0 1 1-9-3L19 32a6 6 0 1 1-3-9 6 6 0 0 1 3-5z",
      "body",
    ),
  ],
  roll: () => [
    path("M18 16h28v34c0 3-28 3-28 0z", "body"),
    oval(32, 16, 14, 5, "label"),
    oval(32, 16, 5, 2, "ink"),
    path("M18 34c8 3 20 3 28 0", "line"),
  ],
  spray: () => [
    path("M25 26h14c4 4 5 8 5 14v12a3 3 0 0 1-3 3H23a3 3 0 0 1-3-3V40c0-6 1-10 5-14z", "body"),
    path("M24 10h18v6h-5v8H27v-8l-6 4v-5z", "edge"),
    rect(20, 39, 24, 10, 0, "label"),
  ],
  tube: () => [
    path("M22 10h20l-3 34H25z", "body"),
    rect(26, 45, 12, 9, 2, "edge"),
    path("M23.4 20h17.4l-1.1 12H24.5z", "label"),
  ],
  flower: () => [
    path("M32 34v22", "line"),
    path("M32 50c-8 0-11-4-12-9 7 0 11 3 12 9z", "label"),
    oval(32, 14, 6, 8, "body"),
    oval(32, 34, 6, 8, "body"),
    oval(22, 24, 8, 6, "body"),
    oval(42, 24, 8, 6, "body"),
    oval(32, 24, 5, 5, "ink"),
  ],
};

// The first words that fit a product's category, coarse to fine, decide.
const RULES = [
  [/apple(?!sauce)|pear|peach|plum|mango|melon|kiwi/i, "apple"],
  [/orange(?! juice)|citrus|lemon|lime|grapefruit|tangerine/i, "orange"],
  [/banana/i, "banana"],
  [/berr|cherr/i, "berry"],
  [/grape/i, "grapes"],
  [/pizza/i, "pizza"],
  [/ice cream|sherbet|novelt|water ice/i, "cone"],
  [
    /soft drink|water\b|juice|drink|beverage|isotonic|tea|wine|vinegar|oil|syrup|sauce|dressing/i,
    "bottle",
  ],
  [/milk|cream\b|carton/i, "carton"],
  [/cheese/i, "wedge"],
  [/yogurt|pudding|margarine|butter|dip|sour/i, "cup"],
  [/egg/i, "egg"],
  [/cookie|cracker/i, "cookie"],
  [/candy|chocolate|gum/i, "candy"],
  [/snack|chips|nuts|coffee|flour|sugar|rice|bean|pasta|noodle/i, "bag"],
  [/cereal|frozen|dinner|mix|breakfast/i, "box"],
  [/soup|can\b|tuna/i, "can"],
  [/pickle|olive|jelly|jam|peanut|spread|condiment|baby|spice/i, "jar"],
  [/bread|bun|roll|bakery|cake|bagel|pie|pastr|donut|sweet goods/i, "loaf"],
  [/dog|cat\b|pet/i, "bone"],
  [/paper|tissue|towel|diaper|foil|bags/i, "roll"],
  [/clean|laundry|detergent|bleach|dish|air/i, "spray"],
  [/hair|soap|oral|tooth|skin|lotion|make|cosmetic|shav/i, "tube"],
  [/sausage|bacon|lunchmeat|hot dog|frank/i, "sausage"],
  [/beef|pork|chicken|turkey|meat|lamb/i, "steak"],
  [/fish|seafood|shrimp/i, "fish"],
  [/floral|flower|plant/i, "flower"],
  [/carrot|potato|onion|pepper|tomato|mushroom|corn|squash/i, "carrot"],
  [/salad|lettuce|broccoli|celery|herb|cabbage|organic|vegetable/i, "leaf"],
];
// What a department looks like when nothing finer is known, and its colour as a hue.
const DEPARTMENTS = {
  Grocery: ["jar", 38],
  "Drug & General": ["tube", 210],
  Produce: ["apple", 112],
  Deli: ["wedge", 46],
  "Packaged Meat": ["sausage", 14],
  Meat: ["steak", 358],
  "Natural Foods": ["leaf", 150],
  Bakery: ["loaf", 30],
  Seafood: ["fish", 196],
  "Packaged Seafood": ["can", 184],
  Cosmetics: ["tube", 322],
  Floral: ["flower", 290],
};
const OTHER = ["box", 60];
// What is not a package has a colour of its own.
const NATURAL = {
  apple: 6,
  orange: 30,
  banana: 48,
  berry: 342,
  grapes: 282,
  carrot: 24,
  leaf: 112,
  wedge: 44,
  loaf: 30,
  steak: 356,
  sausage: 12,
  fish: 198,
  egg: 36,
  cookie: 28,
  pizza: 20,
  cone: 330,
  flower: 300,
};

/** A picture for a product, or for a category alone; decoration only. */
export function tile({ category, sku = "" }) {
  const kind = drawing(category);
  const hue =
    category.length < 2
      ? (DEPARTMENTS[category[0]] ?? OTHER)[1]
      : (NATURAL[kind] ?? hash(category[1]));
  const turn = sku ? (hash(sku) % 20) - 10 : 0;
  return h(
    "div",
    { class: "tile", style: { "--hue": String((hue + turn + 360) % 360) }, "aria-hidden": "true" },
    h("svg", { viewBox: "0 0 64 64", focusable: "false" }, DRAWINGS[kind]()),
  );
}

function drawing(category) {
  if (category.length > 1) {
    if (category.some((name) => /^canned/i.test(name))) return "can";
    for (const name of [...category.slice(1)].reverse()) {
      const rule = RULES.find(([words]) => words.test(name));
      if (rule) return rule[1];
    }
  }
  return (DEPARTMENTS[category[0]] ?? OTHER)[0];
}

function hash(text) {
  let value = 7;
  for (const character of text) value = (value * 31 + character.codePointAt(0)) % 100_003;
  return value % 360;
}
