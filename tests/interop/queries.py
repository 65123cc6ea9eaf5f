"""Runs the DuckDB queries of a folder over rows of NDJSON, and prints what each gives as JSON: queries.py FOLDER ROWS."""

import json
import pathlib
import sys

import duckdb

folder, rows = sys.argv[1:]
folder = pathlib.Path(folder)
connection = duckdb.connect()
connection.execute((folder / "latest.sql").read_text().replace("'ROWS'", f"'{rows}'"))
answers = {}
for file in sorted(folder.glob("*.sql")):
    if file.name != "latest.sql":
        answers[file.stem] = [list(row) for row in connection.execute(file.read_text()).fetchall()]
print(json.dumps(answers))
