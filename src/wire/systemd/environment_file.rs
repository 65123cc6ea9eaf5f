//! The syntax of the files that `EnvironmentFile=` names: it looks like a shell's and is not one. Text only.
//!
//! As the manual page systemd.exec(5) has it, and where that is silent, systemd's own `env-file.c`.

/// Where in the text the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    BeforeKey,
    Key,
    BeforeValue,
    Value,
    Escape,
    Single,
    Double,
    DoubleEscape,
    Comment,
    CommentEscape,
}

/// What a backslash takes its meaning from, in double quotes.
const ESCAPABLE: &str = "\"\\`$";

/// The variables of the text, in order; a name can come more than once, and the last counts.
pub fn variables(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let (mut key, mut value) = (String::new(), String::new());
    // White space at the end of a value counts when it is quoted or escaped.
    let mut kept = 0;
    let mut at = At::BeforeKey;
    for c in text.chars() {
        let ends = matches!(c, '\n' | '\r');
        at = match at {
            At::BeforeKey if matches!(c, '#' | ';') => At::Comment,
            At::BeforeKey if c.is_ascii_whitespace() => At::BeforeKey,
            At::BeforeKey => {
                key.push(c);
                At::Key
            }
            At::Key if ends => {
                key.clear();
                At::BeforeKey
            }
            At::Key if c == '=' => At::BeforeValue,
            At::Key => {
                key.push(c);
                At::Key
            }
            At::BeforeValue | At::Value if ends => {
                finish(&mut all, &mut key, &mut value, &mut kept);
                At::BeforeKey
            }
            At::BeforeValue if c == '\'' => At::Single,
            At::BeforeValue if c == '"' => At::Double,
            At::BeforeValue | At::Value if c == '\\' => At::Escape,
            At::BeforeValue if c.is_ascii_whitespace() => At::BeforeValue,
            At::BeforeValue | At::Value => {
                value.push(c);
                if !c.is_ascii_whitespace() {
                    kept = value.len();
                }
                At::Value
            }
            At::Escape => {
                if !ends {
                    value.push(c);
                }
                kept = value.len();
                At::Value
            }
            At::Single if c == '\'' => At::BeforeValue,
            At::Double if c == '"' => At::BeforeValue,
            At::Double if c == '\\' => At::DoubleEscape,
            At::Single | At::Double => {
                value.push(c);
                kept = value.len();
                at
            }
            At::DoubleEscape => {
                if c != '\n' {
                    if !ESCAPABLE.contains(c) {
                        value.push('\\');
                    }
                    value.push(c);
                    kept = value.len();
                }
                At::Double
            }
            At::Comment if c == '\\' => At::CommentEscape,
            At::Comment | At::CommentEscape if ends => At::BeforeKey,
            At::Comment | At::CommentEscape => At::Comment,
        };
    }
    if !matches!(at, At::BeforeKey | At::Key | At::Comment | At::CommentEscape) {
        finish(&mut all, &mut key, &mut value, &mut kept);
    }
    all
}

fn finish(all: &mut Vec<(String, String)>, key: &mut String, value: &mut String, kept: &mut usize) {
    value.truncate(std::mem::take(kept));
    let name = std::mem::take(key).trim_end().to_owned();
    all.push((name, std::mem::take(value)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_syntax_is_systemds_and_not_a_shells() {
        for (text, value) in [
            ("A=b", "b"),
            ("A = b c  ", "b c"),
            ("A=\"b c \"", "b c "),
            ("A='b \\c'", "b \\c"),
            ("A=\"b\\\"c\\$d\\e\"", "b\"c$d\\e"),
            ("A=b\\\nc", "bc"),
            ("A=\"b\nc\"", "b\nc"),
            ("A=\"b\\\nc\"", "bc"),
            ("A=b\\ ", "b "),
            ("A='b' \"c\"", "bc"),
            ("A=$HOME # no comment", "$HOME # no comment"),
            ("A=", ""),
            ("A=\"b", "b"),
            ("# x\n; y\n\nA=b\n", "b"),
            ("#x\\\nA=b", "b"),
            ("nonsense\nA=b", "b"),
            ("A=b\r\n", "b"),
        ] {
            assert_eq!(variables(text), [("A".to_owned(), value.to_owned())], "{text:?}");
        }
        assert_eq!(variables("export A=b"), [("export A".to_owned(), "b".to_owned())]);
        assert_eq!(variables("A"), []);
        assert_eq!(variables("A=1\nA=2\n").len(), 2);
    }
}
