//! The commands that a document shows in its `console` blocks, and whether they print what it says, `...` standing for lines
//! left out.

#![allow(dead_code, missing_docs, clippy::unwrap_used)]

/// The commands of all `console` blocks with the lines that should follow them.
pub fn commands(document: &str) -> Vec<(String, Vec<String>)> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in document.lines() {
        match line.strip_prefix("$ ") {
            _ if line == "```console" => inside = true,
            _ if line.starts_with("```") => inside = false,
            Some(command) if inside => all.push((command.to_owned(), Vec::new())),
            None if inside => all.last_mut().unwrap().1.push(line.to_owned()),
            _ => {}
        }
    }
    all
}

/// Compares line by line; `...` skips to the next expected line.
pub fn matches(expected: &[String], printed: &str, what: &str) {
    let mut lines = printed.lines();
    let mut skipping = false;
    for want in expected {
        if want == "..." {
            skipping = true;
            continue;
        }
        let found = if skipping { lines.any(|line| line == want) } else { lines.next() == Some(want) };
        assert!(found, "{what}: “{want}” is not where the document has it in\n{printed}");
        skipping = false;
    }
    assert!(skipping || expected.is_empty() || lines.next().is_none(), "{what}: more is printed than the document has");
}
