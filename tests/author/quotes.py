"""Quotations of files in documents say what the files say.

quotes.py ROOT [--write]: a link `[…](path#L3-L9)` (path from the document's folder) must name lines that exist; where a fenced block follows it
directly, the block must be those lines. --write makes the blocks anew instead."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1]).resolve()
write = "--write" in sys.argv[2:]
link = re.compile(r"\]\(([^)#\s]+)#L(\d+)-L(\d+)\)")
documents = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]
failures, quotations = [], 0

for document in documents:
    lines, out, at = document.read_text().split("\n"), [], 0
    while at < len(lines):
        out.append(lines[at])
        found = link.findall(lines[at])
        where = f"{document.relative_to(root)}:{at + 1}"
        at += 1
        quoted = []
        for path, first, last in found:
            file = (document.parent / path).resolve()
            text = file.read_text().split("\n")[:-1] if file.is_file() else []
            if not 1 <= int(first) <= int(last) <= len(text):
                failures.append(f"{where}: there are no lines {first} to {last} in {path}")
                continue
            quoted = text[int(first) - 1 : int(last)]
        start = at + (at < len(lines) and lines[at] == "")
        if not found or start >= len(lines) or not lines[start].startswith("```"):
            continue
        end = lines.index("```", start + 1)
        quotations += 1
        if lines[start + 1 : end] != quoted and not write:
            failures.append(f"{where}: the quotation is not lines {first} to {last} of {path}")
        out += lines[at : start + 1] + quoted + ["```"]
        at = end + 1
    if write:
        document.write_text("\n".join(out))

print(*failures, sep="\n")
print(f"{quotations} quotations in {len(documents)} documents")
sys.exit(bool(failures) or quotations < 8)
