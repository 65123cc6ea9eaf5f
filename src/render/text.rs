//! The report as text, for people at a terminal: a line per passing check, the fix under a failing one, the verdict last.
//!
//! It knows no check and no code: all words come from the report.

use textwrap::core::display_width;

use crate::check::{Stage, Status};
use crate::evidence::{Evidence, Exchange};
use crate::report::{CheckReport, FindingReport, Identity, IdentityKind, Report, Word};

use super::lead::headline;
use super::phrases::{
    counts_and_time, excuses, heals, outcome_in_words, place_in_words, reason, shell_in_words, short, waited,
};
use super::style::{Label, Style};
use super::visible::made_visible;

/// How much is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// Nothing when healthy, else without the checks that passed.
    pub quiet: bool,
    /// Every question with its answer and timing as well.
    pub verbose: bool,
}

/// The whole text, with a line end; empty when quiet and healthy.
pub fn render(report: &Report, style: Style, detail: Detail) -> String {
    if detail.quiet && report.verdict == Word::Healthy && report.run.cut_short.is_none() {
        return String::new();
    }
    let evidence = &report.evidence;
    let report = &made_visible(report);
    let mut text = Text { style, lines: Vec::new() };
    if !detail.quiet {
        text.heading(report);
    }
    let shown: Vec<&CheckReport> = report
        .checks
        .iter()
        .filter(|check| !detail.quiet || !matches!(check.status, Status::Pass | Status::Skip | Status::Ignored))
        .collect();
    let mut stage: Option<Stage> = None;
    for check in shown {
        if stage != Some(check.stage) {
            stage = Some(check.stage);
            text.blank();
            text.push(style.bold(check.stage.title()));
        }
        text.check(check, detail.verbose);
    }
    if detail.verbose {
        text.questions(evidence);
    }
    if !detail.quiet {
        text.who_signs_in(report);
    }
    text.verdict(report);
    style.plain(&(text.lines.join("\n") + "\n"))
}

struct Text {
    style: Style,
    lines: Vec<String>,
}

/// Under a check's sign.
const INDENT: &str = "    ";
/// Where a text begins behind its label.
const COLUMN: usize = 12;

impl Text {
    fn push(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn blank(&mut self) {
        if self.lines.last().is_some_and(|last| !last.is_empty()) {
            self.push("");
        }
    }

    fn heading(&mut self, report: &Report) {
        let vm = &report.vm;
        let parts = [&vm.name, &vm.location, &vm.cloud];
        let known: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        let place = if known.is_empty() { "a machine that is not known yet".to_owned() } else { known.join(" · ") };
        let line = format!("{} {}  {place}", report.tool.name, report.tool.version);
        self.push(self.style.dim(&self.style.wrap(&line, "", "  ")));
    }

    /// A line, and under it what was found. What is known is not told how to mend, unless all is to be told.
    fn check(&mut self, check: &CheckReport, all: bool) {
        let subject = match (&check.subject, check.summary.contains(check.subject.as_deref().unwrap_or_default())) {
            (Some(subject), false) => format!("  ({})", short(subject)),
            _ => String::new(),
        };
        let codes: Vec<&str> = check.findings.iter().map(|finding| finding.code.as_str()).collect();
        let codes = if codes.is_empty() { String::new() } else { format!("  [{}]", codes.join(", ")) };
        let sign = self.style.sign(check.status);
        // Wrapped without the sign, whose colour has bytes but no columns.
        let known =
            if check.status == Status::Ignored { format!("  {}", excuses(&check.findings)) } else { String::new() };
        let line = self.style.wrap(&format!("{}{subject}{codes}{known}", check.summary), INDENT, INDENT);
        let rest = line.strip_prefix(INDENT).unwrap_or(&line);
        let rest = match check.status {
            Status::Fail | Status::Warn => self.style.bold(rest),
            Status::Blocked | Status::Skip | Status::Ignored => self.style.dim(rest),
            Status::Pass | Status::Unknown => rest.to_owned(),
        };
        self.push(format!("  {sign} {rest}"));
        for finding in &check.findings {
            if finding.ignored.is_none() || all {
                self.finding(finding);
            } else if check.status != Status::Ignored {
                let known = excuses(std::slice::from_ref(finding));
                self.labelled("Known", &format!("{} is {known}", finding.code));
            }
        }
    }

    fn finding(&mut self, finding: &FindingReport) {
        self.labelled("Seen", &finding.seen);
        for (index, step) in finding.remedy.steps.iter().enumerate() {
            let label = if index == 0 { "Fix" } else { "" };
            self.item(label, &format!("{}. ", index + 1), step);
        }
        let mut last = None;
        for command in &finding.remedy.commands {
            let kind = (command.shell, command.place);
            if last != Some(kind) {
                let label = if last.is_none() { "Run" } else { "" };
                self.labelled(label, &format!("{}, {}:", shell_in_words(command.shell), place_in_words(command.place)));
                last = Some(kind);
            }
            // Never wrapped: it is meant to be pasted.
            let indent = if self.style.is_narrow(COLUMN) { INDENT.len() + 4 } else { COLUMN + 2 };
            self.push(format!("{:indent$}{}", "", self.style.command(&command.line)));
        }
        if let Some(words) = heals(finding.heals) {
            self.labelled("Heals", words);
        }
        for (index, link) in finding.docs.iter().enumerate() {
            let label = if index == 0 { "Read" } else { "" };
            self.labelled(label, link);
        }
        self.labelled("More", &format!("midoctor explain {}", finding.code));
        self.blank();
    }

    fn labelled(&mut self, label: &str, text: &str) {
        self.item(label, "", text);
    }

    fn item(&mut self, label: &str, bullet: &str, text: &str) {
        let lead = INDENT.len() + 2;
        self.push(self.style.labelled(&Label { lead, text: label, width: COLUMN - lead }, bullet, text));
    }

    fn questions(&mut self, evidence: &Evidence) {
        self.blank();
        self.push(self.style.bold("Questions"));
        for exchange in &evidence.exchanges {
            self.question(exchange);
        }
    }

    fn question(&mut self, exchange: &Exchange) {
        let words = crate::fill::visible(&exchange.request.in_words());
        for attempt in &exchange.attempts {
            let outcome = outcome_in_words(&attempt.outcome);
            let times = format!("{:>6} ms  {:>6} ms  ", attempt.started_ms, attempt.duration_ms);
            let text = format!("{words}: {outcome}");
            let line = self.style.labelled(&Label { lead: 2, text: &times, width: times.len() }, "", &text);
            // What is too long for a line in any case, such as a long URL, is more legible and easier to copy in one.
            let fits = line.lines().all(|line| display_width(line) <= self.style.width);
            let between = if self.style.is_narrow(2 + times.len()) { "\n    " } else { "" };
            let line = if fits { line } else { format!("  {times}{between}{}", self.style.plain(&text)) };
            self.push(self.style.dim(&line));
        }
    }

    fn who_signs_in(&mut self, report: &Report) {
        if report.identities.is_empty() || matches!(report.verdict, Word::Unhealthy) {
            return;
        }
        self.blank();
        self.push(self.style.bold("Signs in"));
        for identity in &report.identities {
            self.identity(identity);
        }
        let roles = report.checks.iter().filter(|check| check.id == "reader" && check.status == Status::Pass);
        for check in roles {
            if let Some((_, held)) = check.summary.split_once(": ") {
                let whose = check.subject.as_ref().map(|subject| format!(" of {}", short(subject))).unwrap_or_default();
                self.push(self.style.wrap(&format!("roles{whose}: {held}"), INDENT, INDENT));
            }
        }
        self.blank();
        self.push(self.style.bold("Try next"));
        for line in report.sign_in_lines() {
            self.push(format!("{INDENT}{}", self.style.command(&line)));
        }
    }

    fn identity(&mut self, identity: &Identity) {
        let unknown = || "unknown".to_owned();
        let name = match (&identity.kind, &identity.resource_id) {
            (IdentityKind::System, _) => "the system-assigned identity".to_owned(),
            (IdentityKind::User, id) => format!("a user-assigned identity, {}", id.clone().unwrap_or_else(unknown)),
        };
        self.push(self.style.wrap(&name, INDENT, INDENT));
        for (label, value) in [
            ("principal ID", &identity.principal_id),
            ("client ID", &identity.client_id),
            ("tenant", &identity.tenant_id),
        ] {
            let label = Label { lead: INDENT.len() + 2, text: label, width: 14 };
            self.push(self.style.labelled(&label, "", &value.clone().unwrap_or_else(unknown)));
        }
    }

    fn verdict(&mut self, report: &Report) {
        self.blank();
        let (status, word) = match report.verdict {
            Word::Healthy => (Status::Pass, "HEALTHY"),
            Word::Degraded => (Status::Warn, "HEALTHY, WITH WARNINGS"),
            Word::Unhealthy => (Status::Fail, "UNHEALTHY"),
            Word::Undetermined => (Status::Unknown, "UNDETERMINED"),
        };
        let reason = match report.verdict {
            Word::Unhealthy => headline(report).unwrap_or_default(),
            _ => reason(report).unwrap_or_default().to_owned(),
        };
        let painted = self.style.status(status, word);
        // Wrapped with the bare word, whose colour has bytes but no columns.
        let line =
            if reason.is_empty() { word.to_owned() } else { self.style.wrap(&format!("{word}  {reason}"), "", "  ") };
        self.push(format!("{painted}{}", &line[word.len()..]));
        self.push(self.style.dim(&self.style.wrap(&counts_and_time(report), "", "")));
        if let Some(waited) = waited(report) {
            self.push(self.style.dim(&self.style.wrap(&waited, "", "")));
        }
        if let Some(cut) = report.run.cut_short_in_words() {
            self.push(self.style.bold(&self.style.wrap(&cut, "", "")));
        }
    }
}
