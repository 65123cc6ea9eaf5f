//! Lines for PowerShell with hostile names, read by its grammar: a name is one string, which says what the name says, and
//! nothing around it changes. What a POSIX shell makes of the others, `tests/secrets/pasting.rs` holds.

use std::process::{Command, Stdio};

use midoctor::checks;
use midoctor::fill::{Values, argument};
use midoctor::page::{self, Section, Shell};
use midoctor::wording;
use serde_json::json;

use crate::attacks::{UNSPEAKABLE, WORDS};
use crate::from_venv;
use crate::namespace::{Case, Suite};
use crate::recipe::offer;
use crate::run_command::powershell_grammar;

pub fn add(suite: &mut Suite) {
    let case = Case::new("lines for PowerShell hand over names as they are", named);
    offer(suite, &[powershell_grammar()], case);
}

/// Stands in the place of a name, quoted as names are that are not plain.
const TWIN: &str = "Zwil ling";

fn sections() -> impl Iterator<Item = &'static Section> {
    checks::all().flat_map(|check| &page::of(check).sections)
}

/// The lines for PowerShell of all pages, with this in the place of every name; those that hold one, in the order of the pages.
fn lines(value: &str) -> Vec<String> {
    let all = sections().flat_map(|section| &section.commands).flat_map(|command| command.line.split("{{").skip(1));
    let mut values: Values = all.map(|rest| (rest.split_once("}}").unwrap().0.to_owned(), value.to_owned())).collect();
    values.extend([("variable".to_owned(), "MSI_ENDPOINT".to_owned())]);
    let remedies = sections().flat_map(|section| [false, true].map(|in_set| wording::remedy(section, &values, in_set)));
    remedies.flat_map(|remedy| remedy.commands).filter(|one| one.shell == Shell::Pwsh).map(|one| one.line).collect()
}

/// Reads pairs of lines: the twin's and the one with the name, which has to have the same tree, without an error, and the name
/// where the twin's stands. A string in single quotes ends at any of four quotation marks and holds one where two of them
/// stand (PowerShell's about_Quoting_Rules and its tokenizer, `IsSingleQuote`); the grammar knows the plain one alone, so
/// strings are looked through by that rule as well.
const READER: &str = r#"
import json, sys, tree_sitter as t, tree_sitter_powershell as p
parser = t.Parser(t.Language(p.language()))
QUOTES = "'\u2018\u2019\u201a\u201b"

def shape(node, text, strings):
    kind = node.type
    if kind == 'verbatim_string_characters' or (kind == 'string_literal' and text[node.start_byte:node.start_byte + 1] == b"'"):
        strings.append(text[node.start_byte:node.end_byte].decode())
        return 'string'
    if kind == 'generic_token' or not node.children:
        return [kind, text[node.start_byte:node.end_byte].decode()]
    return [kind] + [shape(child, text, strings) for child in node.children]

def plain(text):
    # Every mark that PowerShell reads as one, in the way that the grammar reads.
    return ''.join("'" if c in QUOTES else c for c in text)

def said(string):
    assert string[0] == "'" and string[-1] == "'" and len(string) > 1, string
    out, at, inner = '', 0, string[1:-1]
    while at < len(inner):
        if inner[at] in QUOTES:
            assert at + 1 < len(inner) and inner[at + 1] in QUOTES, string
            at += 1
        out += inner[at]
        at += 1
    return out

def read(line):
    tree = parser.parse(line.encode())
    strings = []
    return shape(tree.root_node, line.encode(), strings), strings, tree.root_node.has_error

clean = 0
for twin, line, word, name in json.load(sys.stdin):
    # A list of bare words after a cmdlet, which PowerShell takes, is none to this grammar: then both have the same error.
    (one, strings, wrong), (other, same, also_wrong) = read(twin), read(plain(line))
    assert one == other and wrong == also_wrong, (line, one, other)
    clean += not wrong
    # The grammar saw as many strings in as many places as the twin has; what they say is read from the line itself.
    places, at = [], 0
    for string in same:
        start = plain(line).index(string, at)
        at = start + len(string)
        places.append(line[start:at])
    assert len(places) == len(strings), line
    for string, meant in zip(places, strings):
        assert said(string) == said(meant).replace(name, word), (string, word)
    assert any(name in string for string in strings), twin
print(clean)
"#;

fn named() {
    let twins = lines(TWIN);
    assert!(twins.iter().filter(|line| line.contains(TWIN)).count() > 20, "{twins:#?}");
    let mut pairs = Vec::new();
    for word in WORDS {
        let quoted = argument(word, Shell::Pwsh).unwrap();
        let all = lines(word);
        assert_eq!(all.len(), twins.len(), "{word:?}");
        for (twin, line) in twins.iter().zip(all) {
            assert_eq!(line, twin.replace(&format!("'{TWIN}'"), &quoted), "{word:?}");
            // A plain word stands without quotes and is another kind of token.
            if twin.contains(TWIN) && quoted.starts_with('\'') {
                pairs.push(json!([twin, line, word, TWIN]));
            }
        }
    }
    let read = reader(&json!(pairs));
    let clean = String::from_utf8_lossy(&read.stdout).trim().parse::<usize>();
    // Most are read without an error of the grammar's own.
    assert!(read.status.success() && clean.is_ok_and(|clean| clean * 2 > pairs.len()), "{read:?} of {}", pairs.len());
    // It tells a line that says something else.
    for wrong in
        ["Get-AzVM -Name 'a'; calc", "Get-AzVM -Name 'a\u{2019}; calc; \u{2018}b'", "Get-AzVM -Name \"$(calc)\""]
    {
        let read = reader(&json!([["Get-AzVM -Name 'Zwil ling'", wrong, "a", TWIN]]));
        assert!(!read.status.success(), "{wrong}");
    }
    for word in UNSPEAKABLE {
        assert!(
            lines(word)
                .iter()
                .all(|line| !line.contains(word) || word.is_empty() || !line.contains(&format!("'{word}'")))
        );
        assert!(lines(word).len() < twins.len(), "{word:?}");
    }
}

fn reader(pairs: &serde_json::Value) -> std::process::Output {
    let file = std::env::temp_dir().join("pairs.json");
    std::fs::write(&file, pairs.to_string()).unwrap();
    let mut python = Command::new(from_venv("python").unwrap());
    python.args(["-c", READER]).stdin(Stdio::from(std::fs::File::open(&file).unwrap())).output().unwrap()
}
