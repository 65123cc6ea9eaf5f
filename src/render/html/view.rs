//! What the page of a report shows and in which order, as the template wants it. Only rearranges: no word of a check is made here.

use std::time::Duration;

use askama::Template;

use crate::check::{Severity, Stage, Status};
use crate::render::phrases::{capital, counts_and_time, heals, place_in_words, shell_in_words, short};
use crate::report::{CheckReport, FindingReport, Identity, IdentityKind, Report, WaitEnd, Word};
use crate::words::{in_words, plural};

use super::chain::{self, Chain};
use super::waterfall::{self, Waterfall};
use super::{Prose, SCRIPT, is_link};

/// So many findings stand open; of more, those after the first are to be opened.
const OPEN: usize = 3;
/// So many rows of one check stand in the list; more are to be opened.
const ROWS: usize = 3;

/// The whole page.
#[derive(Template)]
#[template(path = "html/page.html")]
pub struct Page<'a> {
    report: &'a Report,
    policy: String,
    style: String,
    script: &'static str,
    verdict: Verdict,
    cause: Option<&'a str>,
    facts: Vec<(&'static str, String)>,
    waiting: Option<String>,
    counts: String,
    findings: Vec<Finding<'a>>,
    ignored: Vec<Finding<'a>>,
    chain: Chain,
    stages: Vec<(Stage, Vec<Group<'a>>)>,
    sign_in: Vec<String>,
    waterfall: Waterfall,
}

/// The verdict as it is shown.
#[derive(Debug)]
pub struct Verdict {
    /// The class that gives it its colour.
    pub class: &'static str,
    /// Its sign.
    pub sign: &'static str,
    /// Its words.
    pub words: &'static str,
}

/// A finding with the check that found it.
pub struct Finding<'a> {
    /// Counted from 1 over the page, for links to it.
    number: usize,
    check: &'a CheckReport,
    finding: &'a FindingReport,
    /// Is it the root cause of the run, or the first of several that are?
    is_root: bool,
    open: bool,
    /// The other checks that could not be judged because of its check, and in how many rows.
    stopped: String,
    commands: Vec<Commands<'a>>,
}

/// Commands that are typed in the same place.
pub struct Commands<'a> {
    title: String,
    lines: Vec<&'a str>,
}

/// The rows of one check.
pub struct Group<'a> {
    id: &'a str,
    worst: Status,
    /// How many rows ended how: `8 passed, 2 failed`.
    counts: String,
    rows: Vec<Row<'a>>,
    /// Are they many, and to be opened?
    folded: bool,
}

/// One check of one subject.
pub struct Row<'a> {
    check: &'a CheckReport,
    /// What it was judged for, where the summary does not say that.
    subject: Option<String>,
    /// Its findings' codes and numbers.
    codes: Vec<(&'a str, usize)>,
    took: String,
}

impl<'a> Page<'a> {
    /// Arranges a report; `style` is allowed by `policy`.
    pub fn new(report: &'a Report, policy: String, style: String) -> Self {
        let all = findings(report);
        let rows = |check: &'a CheckReport| row(check, &all);
        let stages = stages(report, rows);
        let (ignored, findings) = all.into_iter().partition(|finding| finding.finding.ignored.is_some());
        Self {
            report,
            policy,
            style,
            script: SCRIPT,
            verdict: verdict(report.verdict),
            cause: cause(report),
            facts: facts(report),
            waiting: waiting(report),
            counts: counts_and_time(report),
            findings,
            ignored,
            chain: chain::chain(report),
            stages,
            sign_in: if report.verdict == Word::Unhealthy { Vec::new() } else { report.sign_in_lines() },
            waterfall: waterfall::waterfall(&report.evidence),
        }
    }

    /// For the window: verdict, root cause, VM.
    fn title(&self) -> String {
        let cause = self.report.root_cause.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
        let vm = self.report.vm.name.as_deref().unwrap_or("unknown VM");
        format!("{}{cause}: {vm} – midoctor", self.verdict.words)
    }

    fn sign(&self, status: &Status) -> &'static str {
        sign(*status)
    }

    fn ended(&self, status: &Status) -> &'static str {
        ended(*status)
    }

    fn is_link(&self, address: &str) -> bool {
        is_link(address)
    }

    fn identity_facts(&self, identity: &'a Identity) -> Vec<(&'static str, &'a str)> {
        identity_facts(identity)
    }

    fn undetermined(&self) -> bool {
        self.report.verdict == Word::Undetermined
    }
}

impl Finding<'_> {
    fn status(&self) -> Status {
        match (&self.finding.ignored, self.finding.severity) {
            (Some(_), _) => Status::Ignored,
            (None, Severity::Error) => Status::Fail,
            (None, Severity::Warning) => Status::Warn,
        }
    }

    fn sign(&self) -> &'static str {
        sign(self.status())
    }

    fn heals(&self) -> Option<String> {
        heals(self.finding.heals).map(|words| format!("{}.", capital(words)))
    }

    fn subject(&self) -> Option<String> {
        subject(self.check)
    }
}

/// The sign of a status; the word always stands beside it.
pub fn sign(status: Status) -> &'static str {
    match status {
        Status::Pass => "✓",
        Status::Warn => "!",
        Status::Fail => "✗",
        Status::Unknown => "?",
        Status::Blocked => "·",
        Status::Skip | Status::Ignored => "–",
    }
}

/// How a check ended, as a word for people.
pub fn ended(status: Status) -> &'static str {
    match status {
        Status::Pass => "passed",
        Status::Warn => "warning",
        Status::Fail => "failed",
        Status::Unknown => "unknown",
        Status::Blocked => "blocked",
        Status::Skip => "skipped",
        Status::Ignored => "ignored",
    }
}

/// Every status, the worst first.
pub const WORST_FIRST: [Status; 7] =
    [Status::Fail, Status::Warn, Status::Unknown, Status::Blocked, Status::Ignored, Status::Skip, Status::Pass];

/// How many of these ended how, the worst first: `2 failed, 8 passed`.
pub fn tally(rows: &[&CheckReport]) -> Vec<(Status, usize)> {
    let count = |status: Status| rows.iter().filter(|row| row.status == status).count();
    WORST_FIRST.into_iter().map(|status| (status, count(status))).filter(|(_, count)| *count > 0).collect()
}

/// The same in words.
pub fn tally_in_words(tally: &[(Status, usize)]) -> String {
    let parts = tally.iter().map(|(status, count)| format!("{count} {}", ended(*status)));
    parts.collect::<Vec<_>>().join(", ")
}

/// The rows of each check, in the order of their first rows.
pub fn by_check(report: &Report) -> Vec<(&str, Vec<&CheckReport>)> {
    let mut all: Vec<(&str, Vec<&CheckReport>)> = Vec::new();
    for check in &report.checks {
        match all.iter_mut().find(|(id, _)| *id == check.id) {
            Some((_, rows)) => rows.push(check),
            None => all.push((&check.id, vec![check])),
        }
    }
    all
}

/// How a verdict is shown.
pub fn verdict(word: Word) -> Verdict {
    let (class, sign, words) = match word {
        Word::Healthy => ("is-healthy", "✓", "Healthy"),
        Word::Degraded => ("is-degraded", "!", "Healthy, with warnings"),
        Word::Unhealthy => ("is-unhealthy", "✗", "Unhealthy"),
        Word::Undetermined => ("is-undetermined", "?", "Undetermined"),
    };
    Verdict { class, sign, words }
}

/// The summary of the check that found the root cause.
fn cause(report: &Report) -> Option<&str> {
    let code = report.root_cause.as_ref()?;
    report
        .checks
        .iter()
        .find(|check| check.findings.iter().any(|found| is_root(report, found)))
        .map_or(Some(code.as_str()), |check| Some(check.summary.as_str()))
}

fn is_root(report: &Report, finding: &FindingReport) -> bool {
    finding.severity == Severity::Error
        && finding.ignored.is_none()
        && report.root_cause.as_ref() == Some(&finding.code)
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let vm = &report.vm;
    let known = [
        ("VM", &vm.name),
        ("Resource group", &vm.resource_group),
        ("Subscription", &vm.subscription_id),
        ("Region", &vm.location),
        ("Cloud", &vm.cloud),
        ("VM ID", &vm.vm_id),
        ("Image", &vm.image),
    ];
    let mut facts: Vec<_> =
        known.into_iter().filter_map(|(name, value)| value.clone().map(|value| (name, value))).collect();
    if vm.name.is_none() {
        facts.insert(0, ("VM", "unknown".to_owned()));
    }
    facts.push(("Examined", when(report)));
    facts
}

/// When the run started, to the second, as people write it; what is no time stamp gives way to the evidence's own.
fn when(report: &Report) -> String {
    let stamp = report.run.started.parse::<jiff::Timestamp>();
    stamp.unwrap_or(report.evidence.taken_at).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn waiting(report: &Report) -> Option<String> {
    let waiting = report.run.waiting.as_ref()?;
    let ms = |ms: u64| in_words(Duration::from_millis(ms));
    let end = match waiting.ended {
        WaitEnd::Healthy => "nothing stands in the way any more",
        WaitEnd::DoesNotHeal => "what was found does not heal by itself",
        WaitEnd::Overdue => "what was found has lasted longer than Azure says that it takes",
        WaitEnd::OutOfTime => "the time was up",
    };
    Some(format!(
        "Examined {} and waited {} of {} in between; it ended because {end}. This state has lasted for {}.",
        plural(report.run.attempts.into(), "time"),
        ms(report.run.waited_ms),
        ms(waiting.limit_ms),
        ms(waiting.unchanged_ms)
    ))
}

/// Every finding: the root cause first, then errors, then warnings, then what is ignored; otherwise in the report's order.
fn findings(report: &Report) -> Vec<Finding<'_>> {
    let each = report.checks.iter().flat_map(|check| check.findings.iter().map(move |finding| (check, finding)));
    let mut all: Vec<(&CheckReport, &FindingReport)> = each.collect();
    all.sort_by_key(|(_, found)| {
        let rank = if found.severity == Severity::Error { 1 } else { 2 };
        if found.ignored.is_some() { 3 } else { rank * u8::from(!is_root(report, found)) }
    });
    let each = all.into_iter().enumerate().map(|(index, (check, finding))| Finding {
        number: index + 1,
        check,
        finding,
        is_root: index == 0 && is_root(report, finding),
        open: index < OPEN && finding.ignored.is_none(),
        stopped: if finding.severity == Severity::Error { stopped(report, check) } else { String::new() },
        commands: commands(finding),
    });
    each.collect()
}

/// `token (2), reader`: what could not be judged because of this check.
fn stopped(report: &Report, check: &CheckReport) -> String {
    let blocked = |row: &&CheckReport| row.blocked_by.as_ref() == Some(&check.id);
    let each = by_check(report).into_iter().filter_map(|(id, rows)| {
        match rows.iter().copied().filter(|row| blocked(row)).count() {
            0 => None,
            1 => Some(id.to_owned()),
            count => Some(format!("{id} ({count})")),
        }
    });
    each.collect::<Vec<_>>().join(", ")
}

fn commands(finding: &FindingReport) -> Vec<Commands<'_>> {
    let mut groups: Vec<(_, Commands<'_>)> = Vec::new();
    for command in &finding.remedy.commands {
        let kind = (command.shell, command.place);
        match groups.last_mut().filter(|(last, _)| *last == kind) {
            Some((_, group)) => group.lines.push(&command.line),
            None => {
                let title = format!("{}, {}", shell_in_words(command.shell), place_in_words(command.place));
                groups.push((kind, Commands { title, lines: vec![&command.line] }));
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn stages<'a>(report: &'a Report, row: impl Fn(&'a CheckReport) -> Row<'a>) -> Vec<(Stage, Vec<Group<'a>>)> {
    let mut stages: Vec<(Stage, Vec<Group<'a>>)> = Vec::new();
    for (id, rows) in by_check(report) {
        let tally = tally(&rows);
        let group = Group {
            id,
            worst: tally.first().map_or(Status::Skip, |(status, _)| *status),
            counts: tally_in_words(&tally),
            folded: rows.len() > ROWS,
            rows: rows.iter().map(|check| row(check)).collect(),
        };
        let stage = rows.first().map_or(Stage::Host, |check| check.stage);
        match stages.iter_mut().find(|(known, _)| *known == stage) {
            Some((_, groups)) => groups.push(group),
            None => stages.push((stage, vec![group])),
        }
    }
    stages.sort_by_key(|(stage, _)| *stage);
    stages
}

fn row<'a>(check: &'a CheckReport, findings: &[Finding<'a>]) -> Row<'a> {
    let own = findings.iter().filter(|finding| std::ptr::eq(finding.check, check));
    Row {
        check,
        subject: subject(check),
        codes: own.map(|finding| (finding.finding.code.as_str(), finding.number)).collect(),
        took: if check.duration_ms == 0 { String::new() } else { in_words(Duration::from_millis(check.duration_ms)) },
    }
}

fn subject(check: &CheckReport) -> Option<String> {
    check.subject.as_ref().filter(|subject| !check.summary.contains(subject.as_str())).map(|subject| short(subject))
}

/// An identity's facts.
fn identity_facts(identity: &Identity) -> Vec<(&'static str, &str)> {
    let all = [
        ("Principal ID", &identity.principal_id),
        ("Client ID", &identity.client_id),
        ("Tenant", &identity.tenant_id),
        ("Resource ID", &identity.resource_id),
    ];
    all.into_iter().filter_map(|(name, value)| value.as_deref().map(|value| (name, value))).collect()
}
