// Elements that share a word, the first in its lowest bits: 1, 2 or 4 `parts` of it.
uint part_of(uint word, uint element, uint parts) { return bitfieldExtract(word, int(element % parts * (32 / parts)), int(32 / parts)); }
uint byte_of(uint word, uint element) { return part_of(word, element, 4); }
