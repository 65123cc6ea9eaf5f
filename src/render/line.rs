//! The report as one line of at most 80 characters, all of them ASCII: for consoles, and for node-problem-detector, which cuts
//! there.

use crate::build_log::inert;
use crate::fill::visible;
use crate::report::Report;

use super::lead::{clip, headline};
use super::phrases::counts;
use super::style::Style;

/// So long is the line, without its end.
const LIMIT: usize = 80;

/// `UNHEALTHY role-missing: The identity holds no role … (vm-1)`, with a line end. The VM's name is left out where it does not fit.
/// What a signal cut short says so behind the verdict.
pub fn render(report: &Report) -> String {
    let plain = |text: &str| Style { unicode: false, ..Style::default() }.plain(&inert(&visible(text)));
    let cut = if report.run.cut_short.is_some() { ", cut short" } else { "" };
    let verdict = report.verdict.word().to_ascii_uppercase() + cut;
    let told = match headline(report) {
        Some(headline) if cut.is_empty() => format!("{verdict} {headline}"),
        Some(headline) => format!("{verdict}: {headline}"),
        None => format!("{verdict}: {}", counts(report)),
    };
    let told = plain(&told);
    let named = report.vm.name.as_ref().map(|name| format!("{told} ({})", plain(name)));
    let line =
        named.filter(|line| line.len() <= LIMIT).unwrap_or_else(|| clip(&told, LIMIT, char::len_utf8).into_owned());
    line + "\n"
}
