// Elements of one byte, four to a word.
uint byte_of(uint word, uint element) { return bitfieldExtract(word, int(element % 4) * 8, 8); }
