//! Which signs the surroundings can show: those of UTF-8, or ASCII alone.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::sync::LazyLock;

use crate::fill::in_ascii;

/// Is the locale's character set UTF-8? The first of these that is set decides, as POSIX says. On Windows, where mostly none is, a console
/// shows all signs; what is piped or redirected is read by others in the console's code page, which is UTF-8 on few machines.
pub fn is_utf8() -> bool {
    static IS_UTF8: LazyLock<bool> = LazyLock::new(|| {
        let set = |name: &&str| std::env::var_os(name).filter(|value| !value.is_empty());
        match ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set) {
            Some(value) => names_utf8(&value.to_string_lossy()),
            None => cfg!(windows) && std::io::stdout().is_terminal(),
        }
    });
    *IS_UTF8
}

fn names_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// The text in signs that can be shown.
pub fn shown(text: &str) -> Cow<'_, str> {
    if is_utf8() || text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(in_ascii(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_names_its_character_set() {
        for (locale, expected) in [
            ("C.UTF-8", true),
            ("de_DE.utf8", true),
            ("tr_TR.UTF-8@euro", true),
            ("UTF-8", true),
            ("C", false),
            ("POSIX", false),
            ("de_DE.ISO-8859-1", false),
            ("de_DE@euro", false),
            ("de_DE", false),
        ] {
            assert_eq!(names_utf8(locale), expected, "{locale}");
        }
    }
}
