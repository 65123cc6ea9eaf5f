//! The syntax of unit files: sections, assignments, continued lines, comments, and the words of a value with their quotes and
//! escapes. Text only, nothing is read here.
//!
//! As the manual page systemd.syntax(7) has it, and where that is silent, systemd's own `conf-parser.c` and `extract-word.c`.

/// One assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The section it is in: `Service`.
    pub section: String,
    /// `Environment`.
    pub key: String,
    /// The value without the white space around it; empty where it resets.
    pub value: String,
}

/// The assignments of a file, in order. Lines that are none, and those before the first section, are left out.
pub fn assignments(text: &str) -> Vec<Assignment> {
    let mut all = Vec::new();
    let mut section = String::new();
    let mut begun = String::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for line in text.lines() {
        // A comment may stand between the lines of one assignment, and does not end it.
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        begun.push_str(line);
        // The backslash that goes on in the next line is one that does not escape another.
        if (line.len() - line.trim_end_matches('\\').len()) % 2 == 1 {
            begun.pop();
            begun.push(' ');
            continue;
        }
        take(&std::mem::take(&mut begun), &mut section, &mut all);
    }
    take(&begun, &mut section, &mut all);
    all
}

fn take(line: &str, section: &mut String, all: &mut Vec<Assignment>) {
    let line = line.trim();
    if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        name.clone_into(section);
    } else if let Some((key, value)) = line.split_once('=')
        && !section.is_empty()
    {
        let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
        all.push(Assignment { section: section.clone(), key, value });
    }
}

/// How backslashes in words are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escapes {
    /// As in C; one that C does not know ends the reading, as it does in systemd.
    C,
    /// The next character stands for itself.
    Plain,
}

/// The words of a value: separated by white space, quotes taken off, escapes read. What follows a quote without an end or an
/// escape that is none is left out, as systemd leaves it out.
pub fn words(text: &str, escapes: Escapes) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = text.as_bytes();
    while let Some(word) = word(&mut rest, escapes) {
        all.push(String::from_utf8_lossy(&word).into_owned());
    }
    all
}

fn word(rest: &mut &[u8], escapes: Escapes) -> Option<Vec<u8>> {
    *rest = rest.trim_ascii_start();
    rest.first()?;
    let mut word = Vec::new();
    let mut quote = None;
    while let [byte, after @ ..] = *rest {
        *rest = after;
        match (*byte, quote) {
            (b'\\', _) => {
                let (unescaped, length) = match escapes {
                    Escapes::C => unescaped(after)?,
                    Escapes::Plain => (vec![*after.first()?], 1),
                };
                word.extend(unescaped);
                *rest = &after[length..];
            }
            (byte, Some(open)) if byte == open => quote = None,
            (b'"' | b'\'', None) => quote = Some(*byte),
            (byte, None) if byte.is_ascii_whitespace() => return Some(word),
            (byte, _) => word.push(byte),
        }
    }
    quote.is_none().then_some(word)
}

/// What stands behind a backslash, as bytes, with the length of its escape.
fn unescaped(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let number = |range: std::ops::Range<usize>, radix| {
        let digits = text.get(range).filter(|digits| digits.iter().all(u8::is_ascii_alphanumeric))?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok().filter(|number| *number > 0)
    };
    let character = |length| {
        let c = char::from_u32(number(1..length, 16)?)?;
        Some((c.to_string().into_bytes(), length))
    };
    let one = match text.first()? {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b's' => b' ',
        known @ (b'\\' | b'"' | b'\'') => *known,
        b'x' => return Some((vec![u8::try_from(number(1..3, 16)?).ok()?], 3)),
        b'u' => return character(5),
        b'U' => return character(9),
        b'0'..=b'7' => return Some((vec![u8::try_from(number(0..3, 8)?).ok()?], 3)),
        _ => return None,
    };
    Some((vec![one], 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        assignments(text).into_iter().map(|one| (format!("{}.{}", one.section, one.key), one.value)).collect()
    }

    #[test]
    fn the_example_of_the_manual_page_is_read() {
        // systemd.syntax(7), its example with continued lines and comments between them.
        let text = "[Section A]\nKeyOne=value 1\nKeyTwo=value 2\n\n# a comment\n\n[Section B]\nSetting=\"something\" \"some \
                    thing\" \"...\"\nKeyTwo=value 2 \\\n       value 2 continued\n\n[Section C]\nKeyThree=value 3\\\n# this line is \
                    ignored\n; this line is ignored too\n       value 3 continued\n";
        assert_eq!(
            read(text),
            [
                ("Section A.KeyOne", "value 1"),
                ("Section A.KeyTwo", "value 2"),
                ("Section B.Setting", "\"something\" \"some thing\" \"...\""),
                ("Section B.KeyTwo", "value 2         value 2 continued"),
                ("Section C.KeyThree", "value 3        value 3 continued"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn lines_that_are_no_assignments_are_left_out() {
        assert_eq!(read("A=1\nnonsense\n[S]\nnonsense\nB = 2 \\\n").len(), 1);
        assert_eq!(read("\u{feff}[S]\r\nA=1\r\n"), [("S.A".to_owned(), "1".to_owned())]);
        // Two backslashes are one that is escaped, and nothing goes on.
        assert_eq!(read("[S]\nA=1\\\\\nB=2").len(), 2);
        assert_eq!(read(""), []);
    }

    #[test]
    fn words_are_those_of_the_manual_pages() {
        // systemd.exec(5), Environment=.
        assert_eq!(
            words(r#""VAR1=word1 word2" VAR2=word3 "VAR3=$word 5 6""#, Escapes::C),
            ["VAR1=word1 word2", "VAR2=word3", "VAR3=$word 5 6"]
        );
        for (text, expected) in [
            (r#"a="x y"z"#, vec!["a=x yz"]),
            (r"a\x20b a\sb \u00e9 \101 'it\'s' \n", vec!["a b", "a b", "é", "A", "it's", "\n"]),
            (r"ok \q lost", vec!["ok"]),
            ("ok 'lost", vec!["ok"]),
            (r"ok lost\", vec!["ok"]),
            (r"\x4 \u12 \x00", vec![]),
            ("", vec![]),
            ("''", vec![""]),
        ] {
            assert_eq!(words(text, Escapes::C), expected, "{text}");
        }
        assert_eq!(words(r"a\qb 'c d'", Escapes::Plain), ["aqb", "c d"]);
    }
}
