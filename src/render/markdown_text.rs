//! Text as GitHub-flavoured Markdown in which nothing happens: no link, no mention, no picture, no HTML, no heading, no end of a table
//! or of a block. What is not a plain word or a number stands as code, where Markdown looks for nothing; that also keeps names, paths
//! and addresses as they are when they are copied.

use crate::fill::visible;

/// A sentence, for a paragraph or a list.
pub fn prose(text: &str) -> String {
    inline(shown(&visible(text)))
}

/// A sentence, for a cell of a table: a bar would end it, code or not.
pub fn cell(text: &str) -> String {
    inline(shown(&visible(text).replace('|', r"\u{7c}")))
}

/// A text that is a name, as code as a whole.
pub fn code(text: &str) -> String {
    // A backtick inside would need other marks around it, which not all Markdown knows.
    format!("`{}`", shown(&visible(text).replace('`', r"\u{60}")))
}

/// Without space around it, which would make it another block; of nothing at all it says so.
fn shown(text: &str) -> &str {
    let text = text.trim();
    if text.is_empty() { "(empty)" } else { text }
}

/// Lines to paste, in a block that none of them ends.
pub fn block(lines: &[&str], language: &str) -> String {
    let lines: Vec<String> = lines.iter().map(|line| visible(line)).collect();
    let longest = lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

/// Whose pages a report links to: these hosts and all below those that begin with a dot.
const LINKED: [&str; 4] = [".microsoft.com", ".microsoft", "aka.ms", "nodejs.org"];

/// A link to where more is said. A report can be read from a file, so what leads elsewhere is shown and no link.
pub fn link(url: &str) -> String {
    let is_simple = url.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/?=&%#:".contains(&b));
    let host = url.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    let is_linked =
        |host: &str| LINKED.iter().any(|known| host == *known || (known.starts_with('.') && host.ends_with(known)));
    if is_simple && host.is_some_and(is_linked) { format!("<{url}>") } else { code(url) }
}

/// What stands between two backticks is code, as on the pages; the rest goes word by word.
fn inline(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + text.len() / 8);
    let parts: Vec<&str> = text.split('`').collect();
    for (index, part) in parts.iter().enumerate() {
        let closed = index + 1 < parts.len();
        match index % 2 {
            0 => words(part, &mut shown),
            _ if closed && !part.trim().is_empty() => push_code(&mut shown, part),
            _ => {
                shown.push_str(r"\`");
                words(part, &mut shown);
                if closed {
                    shown.push_str(r"\`");
                }
            }
        }
    }
    shown
}

fn words(text: &str, shown: &mut String) {
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            shown.push(' ');
        }
        let opens = |c: char| "([\"'“‘„".contains(c);
        let closes = |c: char| ".,;:!?)]\"'”’…%".contains(c);
        let start = word.trim_start_matches(opens);
        let core = start.trim_end_matches(closes);
        let (before, after) = (&word[..word.len() - start.len()], &start[core.len()..]);
        // A number that begins a text would begin a list.
        let begins = shown.is_empty() && core.ends_with(|c: char| c.is_ascii_digit()) && !after.is_empty();
        escaped(before, shown);
        if core.chars().all(|c| c.is_ascii_punctuation() || "–—·×→".contains(c)) {
            escaped(core, shown);
        } else if is_plain(core) && !begins {
            shown.push_str(core);
        } else {
            push_code(shown, core);
        }
        escaped(after, shown);
    }
}

/// A word of letters, or a number. GitHub makes links of hexadecimal words that could name a commit.
fn is_plain(word: &str) -> bool {
    let is_commit = word.len() >= 7 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let inner = |c: char| c.is_alphabetic() || "'’-/".contains(c);
    let is_word =
        word.starts_with(char::is_alphabetic) && word.ends_with(char::is_alphabetic) && word.chars().all(inner);
    let is_number = word.split(['.', ',']).all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    !is_commit && (is_word || is_number)
}

fn escaped(punctuation: &str, shown: &mut String) {
    for c in punctuation.chars() {
        if c.is_ascii_punctuation() && !".,;:?()'\"%".contains(c) {
            shown.push('\\');
        }
        shown.push(c);
    }
}

/// The text holds no backtick.
fn push_code(shown: &mut String, text: &str) {
    if shown.ends_with('`') {
        // Two runs of backticks side by side would be one.
        shown.push(' ');
    }
    shown.push('`');
    shown.push_str(text);
    shown.push('`');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words_and_all_else_is_code() {
        for (text, shown) in [
            ("The VM's clock is wrong.", "The VM's clock is wrong."),
            ("answered 403 (in 3.5 s), 50% of it", "answered 403 (in 3.5 s), 50% of it"),
            ("Identity > System assigned > Status", r"Identity \> System assigned \> Status"),
            ("to `Microsoft.Compute/read` by", "to `Microsoft.Compute/read` by"),
            ("See https://portal.azure.com.", "See `https://portal.azure.com`."),
            ("a `b", r"a \`b"),
            ("a `` b", r"a \`\` b"),
            ("`a``b`", "`a` `b`"),
            ("1. x", "`1`. x"),
            ("at 9c0a4e7b-61d2, defaced", "at `9c0a4e7b-61d2`, `defaced`"),
        ] {
            assert_eq!(prose(text), shown);
        }
    }

    #[test]
    fn nothing_of_markdown_is_obeyed() {
        for (text, shown) in [
            ("<script>alert(1)</script>", "`<script>alert(1)</script>`"),
            ("![x](https://evil.example/p.png)", r"`![x](https://evil.example/p.png`)"),
            ("[x](https://evil.example)", r"\[`x](https://evil.example`)"),
            (
                "@octocat #12 GH-12 :bomb: www.evil.example a@b.example",
                "`@octocat` `#12` `GH-12` `:bomb`: `www.evil.example` `a@b.example`",
            ),
            ("**bold** _it_ ~~gone~~", "`**bold**` `_it_` `~~gone~~`"),
            ("*** --- === > # -", r"\*\*\* \-\-\- \=\=\= \> \# \-"),
            ("$x$ &lt; \\`x`", r"`$x$` `&lt`; \\`x`"),
            ("a\n\n# b", r"a \# b"),
        ] {
            assert_eq!(prose(text), shown);
        }
        assert_eq!(cell("a|b | c"), r"`a\u{7c}b` `\u{7c}` c");
        assert_eq!(code("a`b"), r"`a\u{60}b`");
    }

    #[test]
    fn a_block_is_ended_by_no_line_of_it() {
        assert_eq!(block(&["az vm show"], "sh"), "```sh\naz vm show\n```\n");
        assert_eq!(block(&["```", "x ````"], "sh"), "`````sh\n```\nx ````\n`````\n");
    }

    #[test]
    fn a_link_leads_to_a_known_host_or_is_none() {
        assert_eq!(link("https://learn.microsoft.com/a?b=c#d"), "<https://learn.microsoft.com/a?b=c#d>");
        for url in [
            "http://learn.microsoft.com/",
            "https://learn.microsoft.com.evil.example/",
            "https://learn.microsoft.com@evil.example/",
            "https://evilmicrosoft.com/",
            "javascript:alert(1)",
            "https://learn.microsoft.com/><img src=x>",
        ] {
            assert_eq!(link(url), format!("`{url}`"));
        }
    }
}
