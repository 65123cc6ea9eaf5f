//! Fills the placeholders of a page's templates, quoted for where the text goes: prose, a POSIX shell, PowerShell.
//!
//! Values can come from strangers, so what cannot be seen is made visible first, and quoting is left to nobody else.

use std::collections::BTreeMap;

use crate::build_log::inert;
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

/// Fills `{{name}}`; what is not known reads `<name>`, so that a person sees what to put there, and so does in a command what
/// cannot be handed over as it is.
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
        let unknown = || format!("<{}>", name.replace('_', "-"));
        let value = values.get(name);
        filled.push_str(&match use_ {
            Use::Prose => value.map_or_else(unknown, |value| visible(value)),
            Use::Command(shell) => {
                value.and_then(|value| argument(value, shell)).unwrap_or_else(|| quoted(&unknown(), shell))
            }
        });
        rest = after;
    }
    filled.push_str(rest);
    filled.trim_end().to_owned()
}

/// A text in which nothing is hidden: control characters, and those that turn the direction of writing or have no width,
/// stand as `\u{…}`; every kind of line end is a space. Of marks that are piled upon one letter four stay as they are.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut piled = 0;
    for c in text.chars() {
        piled = if is_piled(c) { piled + 1 } else { 0 };
        match c {
            '\r' | '\n' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                if !shown.ends_with(' ') {
                    shown.push(' ');
                }
            }
            c if c.is_control() || is_hidden(c) || piled > 4 => shown.extend(c.escape_unicode()),
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

/// Characters that turn the direction of writing, have no width, end a line, or are tags: they make a text look like another. It
/// is Unicode's property Default_Ignorable_Code_Point, with the marks of annotations, the ends of lines and
/// paragraphs, and what is no character at all.
pub fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{fdd0}'..='\u{fdef}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Marks that stand upon the letter before them, as many as there are: a pile of them covers the lines above and below.
fn is_piled(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
}

/// The value as one word of a command line of that shell, which gets to the program byte for byte. Nothing where that cannot
/// be, and no name in Azure is such: of nothing at all, with what cannot be seen (shown as it is it would command the
/// terminal that it is pasted into; written otherwise it would be another value), of what a build server would obey, with a dash first, which makes an option of
/// it whatever is quoted, or where Azure CLI would read a file in its place (`@file`, `x=@file`).
pub fn argument(value: &str, shell: Shell) -> Option<String> {
    let is_option = value.starts_with('-');
    let names_file = value.starts_with('@') || value.split_once('=').is_some_and(|(_, file)| file.starts_with('@'));
    let is_one = !value.is_empty() && visible(value) == value && inert(value) == value;
    (is_one && !is_option && !names_file).then(|| quoted(value, shell))
}

/// A path as one word of a line for a POSIX shell; see [`argument`].
pub fn path_argument(path: &str) -> Option<String> {
    let beside = path.starts_with(['-', '@']);
    argument(&if beside { format!("./{path}") } else { path.to_owned() }, Shell::Sh)
}

fn quoted(value: &str, shell: Shell) -> String {
    match shell {
        Shell::Pwsh => powershell(value),
        Shell::Az | Shell::Sh => posix(value),
    }
}

/// Quotes a value for a POSIX shell. What is hidden has to be gone.
pub fn posix(value: &str) -> String {
    // Only a NUL cannot be quoted, and where nothing is hidden there is none.
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
            ("$(id)", "show --name '$(id)'", "show --name '$(id)'"),
            ("a\u{2019}b", "show --name 'a\u{2019}b'", "show --name 'a\u{2019}\u{2019}b'"),
            ("a-@b=c", "show --name 'a-@b=c'", "show --name 'a-@b=c'"),
        ] {
            assert_eq!(fill(line, &values(value), Use::Command(Shell::Sh)), sh);
            assert_eq!(fill(line, &values(value), Use::Command(Shell::Pwsh)), pwsh);
        }
    }

    #[test]
    fn what_no_line_can_hand_over_is_not_known() {
        for value in ["", "a\nb", "a\u{1b}[2J", "a\u{202e}b", "a\0", "-rf", "--help", "@/etc/passwd", "x=@/etc/passwd"]
        {
            for (shell, shown) in [(Shell::Az, "'<vm-name>'"), (Shell::Sh, "'<vm-name>'"), (Shell::Pwsh, "'<vm-name>'")]
            {
                assert_eq!(argument(value, shell), None);
                assert_eq!(fill("{{vm_name}}", &values(value), Use::Command(shell)), shown);
            }
        }
        assert_eq!(path_argument("-x.zip").as_deref(), Some("./-x.zip"));
        assert_eq!(path_argument("@x").as_deref(), Some("./@x"));
        assert_eq!(path_argument("a\u{7}.zip"), None);
    }

    #[test]
    fn a_pile_of_marks_covers_no_other_line() {
        assert_eq!(visible("e\u{301}\u{302}x"), "e\u{301}\u{302}x");
        let pile = "\u{335}".repeat(6);
        assert_eq!(visible(&format!("a{pile}b")), "a\u{335}\u{335}\u{335}\u{335}\\u{335}\\u{335}b");
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
