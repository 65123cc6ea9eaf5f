//! Which signs the surroundings can show: those of UTF-8, or ASCII alone.

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::fill::in_ascii;

/// Is the locale's character set UTF-8? The first of these that is set decides, as POSIX says; Windows always is.
pub fn is_utf8() -> bool {
    static IS_UTF8: LazyLock<bool> = LazyLock::new(|| {
        let set = |name: &&str| std::env::var_os(name).filter(|value| !value.is_empty());
        cfg!(windows)
            || ["LC_ALL", "LC_CTYPE", "LANG"]
                .iter()
                .find_map(set)
                .is_some_and(|value| names_utf8(&value.to_string_lossy()))
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
