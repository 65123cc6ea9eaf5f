//! Redaction: what goes, that nothing of it stays, and that what is left is judged as the whole was.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played;
use midoctor::check::Status;
use midoctor::redact::{Level, Redacted, redact};
use midoctor::report::{Report, Word};
use midoctor::scenarios;

/// The report of every scenario, by its name.
fn scenarios() -> impl Iterator<Item = (&'static str, Report)> {
    scenarios::all().into_iter().map(|named| {
        let scenario = named.scenario().unwrap();
        let plan = scenarios::plan(&scenario).unwrap();
        let azure = midoctor::simulator::Azure::new(scenario);
        let machine = midoctor::simulator::SimulatedMachine::at(azure, "2026-09-01T10:11:12Z".parse().unwrap());
        let limits = midoctor::engine::Limits::default();
        (named.name, played::judged(midoctor::engine::examine(&machine, &plan, limits, &|_| {}).0))
    })
}

fn redacted(report: &Report, level: Level) -> Redacted {
    redact(report, level).unwrap()
}

type Row<'a> = (&'a str, Status, Option<&'a str>, Vec<&'a str>);

/// Verdict, root cause, and of every check status, what blocks it, and codes.
fn essence(report: &Report) -> (Word, Option<&str>, Vec<Row<'_>>) {
    let rows = report.checks.iter().map(|check| {
        let codes = check.findings.iter().map(|finding| finding.code.as_str()).collect();
        (check.id.as_str(), check.status, check.blocked_by.as_deref(), codes)
    });
    (report.verdict, report.root_cause.as_deref(), rows.collect())
}

#[test]
fn every_scenario_is_judged_the_same_after_redaction() {
    for (name, report) in scenarios() {
        for level in [Level::None, Level::Secrets, Level::Ids] {
            let done = redacted(&report, level);
            assert_eq!(essence(&done.report), essence(&report), "{name} at {level:?}");
            assert!(done.record.judged_alike, "{name} at {level:?}");
            let anew = played::judged(done.report.evidence.clone());
            assert_eq!(essence(&anew), essence(&report), "{name} at {level:?}, judged anew");
            assert_eq!(anew.checks, done.report.checks, "{name} at {level:?}: the words are of the redacted evidence");
        }
    }
}

#[test]
fn redacting_twice_changes_nothing_more() {
    for (name, report) in scenarios() {
        for level in [Level::Secrets, Level::Ids] {
            let once = redacted(&report, level);
            let twice = redacted(&once.report, level);
            if once.report != twice.report {
                let [one, two] = [&once.report, &twice.report].map(|report| serde_json::to_string(report).unwrap());
                let at = one.bytes().zip(two.bytes()).position(|(one, two)| one != two).unwrap();
                let around = |text: &str| text.chars().skip(at.saturating_sub(80)).take(160).collect::<String>();
                panic!("{name} at {level:?}: {:#?}", [around(&one), around(&two)]);
            }
            assert_eq!(twice.record.redactions, [], "{name} at {level:?}");
        }
    }
}

#[test]
fn the_same_report_gets_the_same_pseudonyms() {
    let (_, report) = scenarios().find(|(name, _)| *name == "healthy-data").unwrap();
    let [one, other] = [redacted(&report, Level::Ids), redacted(&report.clone(), Level::Ids)];
    assert_eq!((one.report, one.pseudonyms, one.record), (other.report, other.pseudonyms, other.record));
}

/// Everything that names the simulated customer, from the places that hold nothing else.
fn originals(report: &Report) -> Vec<String> {
    let mut all: Vec<Option<String>> = vec![
        report.vm.name.clone(),
        report.vm.vm_id.clone(),
        report.vm.subscription_id.clone(),
        report.vm.resource_group.clone(),
        report.vm.resource_id.clone(),
    ];
    for identity in &report.identities {
        all.extend([
            identity.principal_id.clone(),
            identity.client_id.clone(),
            identity.tenant_id.clone(),
            identity.resource_id.clone(),
        ]);
    }
    for answer in report.evidence.exchanges.iter().flat_map(|one| &one.attempts).filter_map(|one| one.outcome.answer())
    {
        if let Some(claims) = &answer.token {
            all.extend(["oid", "appid", "tid", "sub", "xms_mirid"].map(|name| claims.text(name).map(str::to_owned)));
        }
        all.extend(
            ["x-ms-request-id", "x-ms-correlation-request-id"].map(|name| answer.header(name).map(str::to_owned)),
        );
    }
    all.extend(
        [
            "10.0.1.4",
            "10.0.1.1",
            "proxy.contoso",
            "kv-doctor",
            "stdoctor",
            "crdoctor",
            "contoso",
            "id-app",
            "azureuser",
            "000D3A",
        ]
        .map(|text| Some(text.to_owned())),
    );
    all.extend(
        report
            .evidence
            .asked
            .probes
            .iter()
            .map(|probe| url::Url::parse(&probe.url).ok()?.host_str().map(str::to_owned)),
    );
    let mut all: Vec<String> = all.into_iter().flatten().filter(|text| !text.is_empty()).collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn no_name_is_left_in_any_scenario() {
    for (name, report) in scenarios() {
        let done = redacted(&report, Level::Ids);
        let text = serde_json::to_string(&done.report).unwrap().to_lowercase();
        let record = serde_json::to_string(&done.record).unwrap().to_lowercase();
        for original in originals(&report) {
            let original = original.to_lowercase();
            if let Some(at) = text.find(&original) {
                let around: String = text[at.saturating_sub(80)..].chars().take(200).collect();
                panic!("{name}: {original} is left: …{around}…");
            }
            assert!(!record.contains(&original), "{name}: {original} is in the record");
        }
    }
}
