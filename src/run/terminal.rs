//! What the terminal can do, if there is one: colour, signs, columns, lines that are drawn anew. What is shown there, others say.

use std::io::IsTerminal;

use indicatif::ProgressStyle;

use crate::cli::When;
use crate::locale;
use crate::render::style::Style;

/// Columns where nobody says how many there are: on a terminal, such as a serial console, and elsewhere.
const USUAL: usize = 80;
const ELSEWHERE: usize = 100;
/// Lines are not made narrower than this, and prose is not read well when it is wider.
const NARROWEST: usize = 20;
const WIDEST: usize = 120;

/// How standard output may look.
pub fn style(color: impl Into<Option<When>>) -> Style {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let terminal = std::io::stdout().is_terminal();
    let color = match color.into().unwrap_or(When::Auto) {
        When::Always => {
            // Where it is a console after all, it is told.
            takes_colour();
            true
        }
        When::Never => false,
        When::Auto => terminal && !set("NO_COLOR") && !is_dumb() && takes_colour(),
    };
    let told = terminal_size::terminal_size_of(std::io::stdout()).map(|(columns, _)| usize::from(columns.0));
    let named = || std::env::var("COLUMNS").ok()?.parse::<usize>().ok().filter(|columns| *columns > 0);
    let width = told.or_else(named).unwrap_or(if terminal { USUAL } else { ELSEWHERE });
    Style { color, unicode: locale::is_utf8(), width: width.clamp(NARROWEST, WIDEST) }
}

/// Do escape sequences make colours on standard output? A console of Windows has to be told to take them, and old ones do not.
fn takes_colour() -> bool {
    !cfg!(windows) || console::Term::stdout().features().colors_supported()
}

/// Can lines on standard error be drawn anew? Not where nobody knows where they end.
pub fn redraws() -> bool {
    terminal_size::terminal_size_of(std::io::stderr()).is_some() && !is_dumb()
}

/// Does the terminal take no commands? One that does not say what it is may be a printer.
fn is_dumb() -> bool {
    let term = std::env::var_os("TERM").filter(|term| !term.is_empty());
    term.map_or(!cfg!(windows), |term| term == "dumb" || term == "unknown")
}

/// The style of a line that is drawn anew, in signs that can be shown.
pub fn styled(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
    if locale::is_utf8() { style } else { style.tick_chars("-\\|/ ").progress_chars("#> ") }
}
