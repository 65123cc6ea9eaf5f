//! Fills the placeholders of a page's templates, quoted for where the text goes: prose, a POSIX shell, PowerShell.
//!
//! Values can come from strangers, so what cannot be seen is made visible first, and quoting is left to nobody else.

use std::collections::BTreeMap;

use crate::page::Shell;

/// What the text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A sentence.
    Prose,
    /// A command line.
    Command(Shell),
}

/// Values for placeholders, by name.
pub type Values = BTreeMap<String, String>;

/// Fills `{{name}}`; what is not known reads `<name>`, so that a person sees what to put there.
pub fn fill(template: &str, values: &Values, use_: Use) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            filled.push_str("{{");
            rest = after;
            continue;
        };
        let value = values.get(name).map_or_else(|| format!("<{}>", name.replace('_', "-")), |value| visible(value));
        filled.push_str(&match use_ {
            Use::Prose => value,
            Use::Command(Shell::Pwsh) => powershell(&value),
            Use::Command(Shell::Az | Shell::Sh) => posix(&value),
        });
        rest = after;
    }
    filled.push_str(rest);
    filled.trim_end().to_owned()
}

/// A text in which nothing is hidden: control characters, and those that turn the direction of writing or have no width,
/// stand as `\u{…}`; every kind of line end is a space.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\r' | '\n' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                if !shown.ends_with(' ') {
                    shown.push(' ');
                }
            }
            c if c.is_control() || is_hidden(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// A text for where only ASCII can be shown: typographic signs as people write them there, all others as `\u{…}`.
pub fn in_ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '“' | '”' => plain.push('"'),
            '‘' | '’' => plain.push('\''),
            '–' | '—' | '·' => plain.push('-'),
            '…' => plain.push_str("..."),
            '×' => plain.push('x'),
            '→' => plain.push_str("->"),
            c if c.is_ascii() => plain.push(c),
            c => plain.extend(c.escape_unicode()),
        }
    }
    plain
}

/// Characters that turn the direction of writing, have no width, or are tags: they make a text look like another.
pub fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{180e}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Quotes a value for a POSIX shell.
pub fn posix(value: &str) -> String {
    // Only a NUL cannot be quoted, and `visible` leaves none.
    shlex::try_quote(value).map_or_else(|_| "''".to_owned(), std::borrow::Cow::into_owned)
}

/// Quotes a value for PowerShell: single quotes, doubled inside. PowerShell takes the typographic ones for quotes too.
fn powershell(value: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let starts_safe = value.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
    if starts_safe && value.chars().all(safe) {
        return value.to_owned();
    }
    let mut quoted = String::from("'");
    for c in value.chars() {
        quoted.push(c);
        if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(c);
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(value: &str) -> Values {
        Values::from([("vm_name".to_owned(), value.to_owned())])
    }

    #[test]
    fn a_value_is_quoted_for_its_shell() {
        let line = "show --name {{vm_name}}";
        for (value, sh, pwsh) in [
            ("vm-1", "show --name vm-1", "show --name vm-1"),
            ("it's", "show --name \"it's\"", "show --name 'it''s'"),
            ("~root", "show --name '~root'", "show --name '~root'"),
            ("{a,b}", "show --name '{a,b}'", "show --name '{a,b}'"),
            ("a!b", "show --name 'a!b'", "show --name 'a!b'"),
            ("", "show --name ''", "show --name ''"),
            ("$(id)", "show --name '$(id)'", "show --name '$(id)'"),
            ("a\u{2019}b", "show --name 'a\u{2019}b'", "show --name 'a\u{2019}\u{2019}b'"),
            ("a\nb\u{1b}[2J", r#"show --name "a b\\u{1b}[2J""#, r"show --name 'a b\u{1b}[2J'"),
            ("-rf", "show --name -rf", "show --name '-rf'"),
        ] {
            assert_eq!(fill(line, &values(value), Use::Command(Shell::Sh)), sh);
            assert_eq!(fill(line, &values(value), Use::Command(Shell::Pwsh)), pwsh);
        }
    }

    #[test]
    fn what_is_not_known_says_so() {
        let none = Values::new();
        assert_eq!(fill("VM {{vm_name}}.", &none, Use::Prose), "VM <vm-name>.");
        assert_eq!(fill("show {{vm_name}}", &none, Use::Command(Shell::Az)), "show '<vm-name>'");
        assert_eq!(fill("{{vm_name", &none, Use::Prose), "{{vm_name");
    }

    #[test]
    fn a_value_is_not_a_template() {
        assert_eq!(fill("{{vm_name}}", &values("{{vm_name}}"), Use::Prose), "{{vm_name}}");
    }
}
