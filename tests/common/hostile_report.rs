//! A report in which every text is hostile, as somebody could hand it in: made of a real one, never printed by midoctor itself.

#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use midoctor::evidence::{Outcome, Request};
use midoctor::fill::visible;
use midoctor::report::{CheckReport, Ignored, Report};

/// What is put into every text. The last holds what turns the direction of writing, has no width, and rings a bell.
pub const EVIL: [&str; 9] = [
    "<script>globalThis.hit=1</script>",
    "\"><img src=x onerror=globalThis.hit=1>",
    "' onmouseover='globalThis.hit=1",
    "javascript:globalThis.hit=1",
    "</title></style></script></textarea></pre><b>]]>-->",
    "&lt;b&gt;&#60;b&#62;&amp;",
    "{{7*7}}{% raw %}${7*7}",
    "`<b>x</b>`",
    "gpj\u{202e}.exe\u{200b}\u{7}\u{1b}]0;x\u{2066}",
];

/// Makes every text of a report hostile. Returns it with what a page has to show.
pub fn hostile(mut report: Report) -> (Report, Vec<String>) {
    let mut shown = Vec::new();
    let mut next = 0;
    let mut spoil = |text: &mut String| {
        // Each place meets each attack.
        for evil in EVIL {
            next += 1;
            text.push_str(&format!(" {next}{evil}"));
        }
        // Between grave accents may stand code, without them; so whoever compares leaves them out.
        shown.push(visible(text).replace('`', ""));
    };
    let vm = &mut report.vm;
    for text in [
        &mut vm.name,
        &mut vm.location,
        &mut vm.cloud,
        &mut vm.subscription_id,
        &mut vm.resource_group,
        &mut vm.image,
        &mut vm.vm_id,
    ] {
        spoil(text.as_mut().unwrap());
    }
    for identity in &mut report.identities {
        for text in [&mut identity.principal_id, &mut identity.client_id, &mut identity.tenant_id] {
            spoil(text.as_mut().unwrap());
        }
        identity.resource_id.get_or_insert_default();
        spoil(identity.resource_id.as_mut().unwrap());
    }
    report.notes.push("note".into());
    for text in [&mut report.run.id, &mut report.tool.version, &mut report.schema].into_iter().chain(&mut report.notes)
    {
        spoil(text);
    }
    for check in &mut report.checks {
        spoil_check(check, &mut spoil);
    }
    let root = report.checks.iter().flat_map(|check| &check.findings).find(|found| found.ignored.is_none());
    report.root_cause = root.map(|found| found.code.clone());
    // A code that is found and ignored besides.
    let failed = report.checks.iter_mut().find(|check| !check.findings.is_empty()).unwrap();
    let mut ignored = failed.findings[0].clone();
    let (mut reason, mut until) = ("reason".to_owned(), "until".to_owned());
    spoil(&mut reason);
    spoil(&mut until);
    ignored.ignored = Some(Ignored { reason, until: Some(until) });
    failed.findings.push(ignored);
    for exchange in &mut report.evidence.exchanges {
        match &mut exchange.request {
            Request::Http(http) => {
                // No question holds a blank before its query.
                http.url.push_str(&EVIL.concat());
                http.headers.insert("x-evil".into(), EVIL.concat());
            }
            Request::Connect { host, .. } | Request::Resolve { host } => spoil(host),
            Request::File { path } | Request::Presence { path } => spoil(path),
            _ => {}
        }
        for attempt in &mut exchange.attempts {
            match &mut attempt.outcome {
                Outcome::Failed(failed) => spoil(&mut failed.detail),
                Outcome::Resolved { addresses } => addresses.iter_mut().for_each(&mut spoil),
                Outcome::Answered(answer) => answer.body = EVIL.concat(),
                _ => {}
            }
        }
    }
    (report, shown)
}

fn spoil_check(check: &mut CheckReport, spoil: &mut impl FnMut(&mut String)) {
    spoil(&mut check.summary);
    check.subject.iter_mut().for_each(&mut *spoil);
    spoil(&mut check.id);
    check.blocked_by.iter_mut().for_each(&mut *spoil);
    for found in &mut check.findings {
        spoil(&mut found.code);
        spoil(&mut found.seen);
        found.remedy.steps.iter_mut().for_each(&mut *spoil);
        found.remedy.commands.iter_mut().for_each(|command| spoil_line(&mut command.line, spoil));
        found.docs.push(EVIL[3].into());
        found.docs.push("data:text/html,<script>globalThis.hit=1</script>".into());
        found.docs.push(format!("https://example.org/{}", EVIL[1]));
    }
}

/// A line is shown as it stands, accents and all.
fn spoil_line(line: &mut String, spoil: &mut impl FnMut(&mut String)) {
    let mut copy = line.clone();
    spoil(&mut copy);
    *line = copy;
}
