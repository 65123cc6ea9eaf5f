//! `--wait`, in process: what is worth waiting for, and when to look again. Reports are played and times are made up.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::collections::BTreeMap;
use std::time::Duration;

use crate::played::{self, judged, named, play};
use midoctor::check::Status;
use midoctor::checks;
use midoctor::engine::{self, Limits};
use midoctor::evidence::{Failure, Outcome, Request};
use midoctor::plan::{FailOn, Ignore, Plan, Whose};
use midoctor::report::{Report, WaitEnd, Waiting, Word};
use midoctor::scenarios;
use midoctor::simulator::{Azure, SimulatedMachine};
use midoctor::waiting::{History, Next, Passing, Standing};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn report(name: &str, change: impl FnOnce(&mut Plan)) -> Report {
    judged(named(name, change))
}

/// The bounds of what stands in the way; `None` when it stays.
fn bounds(report: &Report) -> Option<Vec<Option<u64>>> {
    match Standing::of(report) {
        Standing::Well => Some(Vec::new()),
        Standing::Passing(all) => Some(all.iter().map(|one| one.bound.map(|bound| bound.as_secs())).collect()),
        Standing::Staying => None,
    }
}

#[test]
fn what_heals_is_waited_for_as_long_as_azure_says_and_nothing_else_is() {
    let waits: BTreeMap<&str, Option<u64>> = BTreeMap::from([
        ("identity-none", Some(300)),
        ("identity-unknown", Some(300)),
        ("imds-server-error", None),
        ("imds-throttled", None),
        ("imds-updating", Some(70)),
        ("role-data-plane", Some(600)),
        ("role-insufficient", Some(600)),
        ("role-missing", Some(600)),
        ("role-propagating", Some(600)),
        ("service-transient", None),
    ]);
    for code in checks::all().flat_map(|check| check.codes) {
        let report = report(code, |_| {});
        let expected = match waits.get(code) {
            _ if report.exit_code == 0 => Some(Vec::new()),
            Some(bound) => Some(vec![*bound]),
            None => None,
        };
        assert_eq!(bounds(&report), expected, "{code}");
    }
}

#[test]
fn what_is_waited_for_is_said_with_its_title() {
    let Standing::Passing(all) = Standing::of(&report("role-missing", |_| {})) else { panic!("it passes") };
    assert_eq!(all[0].words, "role-missing: The identity holds no role that lets it read this VM");
    assert_eq!(all[0].code, Some("role-missing"));
}

#[test]
fn a_refusal_that_no_role_mends_is_not_waited_for() {
    let refused = |access: &str| {
        play(&format!(
            "[command]\nprobe = [\"https://kv-doctor.vault.azure.net\"]\n[[data]]\nhost = \"kv-doctor.vault.azure.net\"\n{access}"
        ))
    };
    assert_eq!(bounds(&refused("")), Some(vec![Some(600)]));
    assert_eq!(bounds(&refused("access = \"policy\"\n")), None);
}

#[test]
fn one_thing_that_stays_is_enough_to_stop() {
    let both = play(
        "roles = []\n[command]\nprobe = [\"https://kv-doctor.vault.azure.net\"]\n[[data]]\nhost = \
         \"kv-doctor.vault.azure.net\"\naccess = \"policy\"\n",
    );
    let codes: Vec<&str> =
        both.checks.iter().flat_map(|row| &row.findings).map(|finding| finding.code.as_str()).collect();
    assert_eq!((&codes[..], bounds(&both)), (&["role-missing", "role-data-plane"][..], None));
}

#[test]
fn a_warning_is_in_the_way_only_where_it_counts() {
    assert_eq!(Standing::of(&report("legacy-answering", |_| {})), Standing::Well);
    assert_eq!(bounds(&report("legacy-answering", |plan| plan.fail_on = FailOn::Warn)), None);
}

#[test]
fn what_is_blocked_follows_its_root_though_that_does_not_count() {
    let known = |code: &'static str| {
        move |plan: &mut Plan| {
            let until = "2026-12-31".parse().unwrap();
            plan.ignores = vec![Ignore { code: code.into(), reason: "r".into(), until }];
        }
    };
    let none = report("identity-none", known("identity-none"));
    assert_eq!((none.verdict, bounds(&none)), (Word::Undetermined, Some(vec![Some(300)])));
    let silent = report("imds-timeout", known("imds-timeout"));
    assert_eq!((silent.verdict, bounds(&silent)), (Word::Undetermined, None));
}

fn unknown(report: &Report) -> Vec<&str> {
    report.checks.iter().filter(|row| row.status == Status::Unknown).map(|row| row.summary.as_str()).collect()
}

#[test]
fn what_is_unknown_is_waited_for_when_it_hangs_on_silence() {
    let scenario = scenarios::find("healthy").unwrap().scenario().unwrap();
    for milliseconds in [1, 5, 20, 40] {
        let machine = SimulatedMachine::at(Azure::new(scenario.clone()), "2026-09-01T10:11:12Z".parse().unwrap());
        let limits = Limits { deadline: Duration::from_millis(milliseconds), ..Limits::default() };
        let report = judged(engine::examine(&machine, &Plan::default(), limits, &|_: &Request| {}).0);
        assert_eq!(report.verdict, Word::Undetermined, "{milliseconds} ms");
        assert!(matches!(Standing::of(&report), Standing::Passing(_)), "{milliseconds} ms: {:?}", unknown(&report));
    }
}

#[test]
fn an_endpoint_of_ones_own_that_is_slow_is_waited_for_and_one_that_points_elsewhere_is_not() {
    let own = |ends: Outcome| {
        let toml = "[command]\nprobe = [\"https://api.contoso.com/health\"]\nresource = [\"graph\"]\ntrust_host = \
                    [\"api.contoso.com\"]\n[[data]]\nhost = \"api.contoso.com\"\naccess = \"admits\"\naudience = \
                    \"https://graph.microsoft.com\"\n";
        let mut evidence = played::evidence(toml, &[]);
        let is_own = |request: &Request| request.url() == Some("https://api.contoso.com/health");
        for exchange in evidence.exchanges.iter_mut().filter(|exchange| is_own(&exchange.request)) {
            exchange.attempts[0].outcome = ends.clone();
        }
        judged(evidence)
    };
    let slow = own(Outcome::failed(Failure::AnswerTimeout, "no answer came"));
    assert_eq!(slow.verdict, Word::Undetermined, "{:?}", played::rows(&slow, "data"));
    assert_eq!(bounds(&slow), Some(vec![None]), "{:?}", played::rows(&slow, "data"));
    let strange = own(Outcome::failed(Failure::NotHttp, "that was no HTTP"));
    assert_eq!((strange.verdict, bounds(&strange)), (Word::Undetermined, None));
}

#[test]
fn what_would_stay_unknown_is_not_waited_for() {
    let condition = play(
        "roles = []\n[command]\nrequire = [\"Microsoft.Compute/virtualMachines/start/action\"]\n[[assignment]]\nrole = \"Contributor\"\ncondition = \"@Resource[x] StringEquals 'y'\"\n",
    );
    assert_eq!((condition.verdict, bounds(&condition)), (Word::Undetermined, None));
    let everything = report("healthy", |plan| plan.skip = vec!["*".into()]);
    assert_eq!((everything.verdict, bounds(&everything)), (Word::Undetermined, None));
    let mut evidence = named("healthy", |plan| plan.environment = Whose::Unit("web.service".into()));
    for exchange in &mut evidence.exchanges {
        if matches!(exchange.request, Request::Environment { .. }) {
            exchange.attempts[0].outcome = Outcome::failed(Failure::Denied, "it may not be read");
        }
    }
    let unread = judged(evidence);
    assert_eq!((unread.verdict, bounds(&unread)), (Word::Undetermined, None));
}

/// A report with this root cause, and what stands in its way with this bound.
fn scripted(code: &'static str, bound: Option<u64>) -> (Report, Standing) {
    let mut report = report("healthy", |_| {});
    (report.exit_code, report.verdict, report.root_cause) = (1, Word::Unhealthy, Some(code.into()));
    let often = bound.filter(|bound| *bound <= 120).map(|_| secs(10));
    let passing = Passing {
        key: code.into(),
        code: Some(code),
        words: code.into(),
        bound: bound.map(secs),
        at_least_every: often,
    };
    (report, Standing::Passing(vec![passing]))
}

/// Examines again and again, each time for a second, what is so at that time, until the end. Returns when each examination
/// was over, and the end.
fn wait(limit: u64, state: impl Fn(u64) -> Option<(Report, Standing)>) -> (Vec<u64>, midoctor::report::Waiting) {
    let mut history = History::new(secs(limit));
    let (mut now, mut looked) = (0, Vec::new());
    loop {
        now += 1;
        looked.push(now);
        let healthy = || (report("healthy", |_| {}), Standing::Well);
        let (report, standing) = state(now).unwrap_or_else(healthy);
        match history.decide(&report, &standing, secs(now)) {
            Next::Again { pause, .. } => now += pause.as_secs(),
            Next::End(waiting) => {
                assert_eq!(history.looks() as usize, looked.len());
                let examining = looked.len() as u64;
                assert_eq!(history.waited(), secs(now - examining));
                return (looked, waiting);
            }
        }
    }
}

#[test]
fn pauses_grow_from_two_seconds_to_thirty_and_the_last_look_is_at_the_end_of_the_time() {
    let (looked, end) = wait(100, |_| Some(scripted("role-propagating", None)));
    assert_eq!(looked, [1, 4, 9, 18, 35, 66, 97, 101]);
    assert_eq!((end.ended, end.limit_ms, end.unchanged_ms), (WaitEnd::OutOfTime, 100_000, 100_000));
}

#[test]
fn a_service_that_is_back_soon_is_looked_at_every_ten_seconds() {
    let (looked, _) = wait(60, |_| Some(scripted("imds-updating", Some(70))));
    assert_eq!(looked, [1, 4, 9, 18, 29, 40, 51, 61]);
}

#[test]
fn a_new_state_is_looked_at_soon_again() {
    let state = |now| (now < 90).then(|| scripted(if now < 30 { "identity-none" } else { "role-missing" }, Some(600)));
    let (looked, end) = wait(600, state);
    assert_eq!(looked, [1, 4, 9, 18, 35, 38, 43, 52, 69, 100]);
    assert_eq!((end.ended, end.unchanged_ms), (WaitEnd::Healthy, 0));
}

#[test]
fn what_lasts_longer_than_azure_says_is_overdue_after_one_look_more() {
    let (looked, end) = wait(3600, |_| Some(scripted("role-missing", Some(600))));
    let last = looked[looked.len() - 1];
    assert!((631..=662).contains(&last), "{looked:?}");
    assert_eq!((end.ended, end.unchanged_ms), (WaitEnd::Overdue, (last - 1) * 1000));
    let (looked, end) = wait(3600, |_| Some(scripted("imds-updating", Some(70))));
    assert_eq!((looked[looked.len() - 1], end.ended), (84, WaitEnd::Overdue));
}

#[test]
fn the_bound_counts_from_when_it_was_first_seen_without_interruption() {
    // Ten minutes of each, one after the other: neither is overdue.
    let turns = |now: u64| {
        (now < 1500).then(|| {
            scripted(if (now / 500).is_multiple_of(2) { "role-missing" } else { "role-propagating" }, Some(600))
        })
    };
    assert_eq!(wait(3600, turns).1.ended, WaitEnd::Healthy);
}

#[test]
fn how_long_the_last_state_has_been_so_is_right_when_states_take_turns() {
    let turns =
        |now: u64| Some(scripted(if (now / 40).is_multiple_of(2) { "role-missing" } else { "imds-throttled" }, None));
    let (looked, end) = wait(200, turns);
    let last = *looked.last().unwrap();
    let first = looked.iter().rev().take_while(|now| **now / 40 % 2 == last / 40 % 2).last().unwrap();
    assert_eq!((end.ended, end.unchanged_ms), (WaitEnd::OutOfTime, (last - first) * 1000));
}

#[test]
fn what_is_well_or_stays_ends_at_once() {
    let (looked, end) = wait(600, |_| None);
    assert_eq!((looked.len(), end.ended), (1, WaitEnd::Healthy));
    let (looked, end) = wait(600, |_| Some((report("identity-ambiguous", |_| {}), Standing::Staying)));
    assert_eq!((looked.len(), end.ended, end.unchanged_ms), (1, WaitEnd::DoesNotHeal, 0));
}

#[test]
fn a_pause_is_as_long_as_an_answer_asks_for_and_nobody_comes_again_before() {
    for (limit, headers, pause) in [
        (600, &[("retry-after", "45")][..], Some(45)),
        (600, &[("retry-after", "0")], Some(2)),
        (600, &[("retry-after", "soon")], Some(2)),
        (20, &[], Some(2)),
        (3, &[("retry-after", "2")], Some(2)),
        (3, &[("retry-after", "3")], None),
        (20, &[("retry-after", "45")], None),
        (600, &[("retry-after", "99999999999999999999")], Some(2)),
        (600, &[("retry-after", "18446744073709551615")], None),
        (600, &[("retry-after", "Tue, 01 Sep 2026 10:12:00 GMT"), ("date", "Tue, 01 Sep 2026 10:11:00 GMT")], Some(60)),
        // Without a date of its own it counts from the start of the examination, at 10:11:12.
        (600, &[("retry-after", "Tue, 01 Sep 2026 10:11:52 GMT")], Some(40)),
        (600, &[("retry-after", "Tue, 01 Sep 2020 10:11:52 GMT")], Some(2)),
    ] {
        let (mut report, standing) = scripted("service-transient", None);
        let answered = |outcome: &mut Outcome| match outcome {
            Outcome::Answered(answer) => {
                answer.headers.retain(|name, _| name != "date");
                answer.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
                true
            }
            _ => false,
        };
        let mut attempts = report.evidence.exchanges.iter_mut().flat_map(|exchange| &mut exchange.attempts);
        assert!(attempts.any(|attempt| answered(&mut attempt.outcome)));
        let next = History::new(secs(limit)).decide(&report, &standing, secs(1));
        let expected = match pause {
            Some(pause) => Next::Again { pause: secs(pause), what: "service-transient".into(), changed: true },
            None => Next::End(Waiting { limit_ms: limit * 1000, unchanged_ms: 0, ended: WaitEnd::OutOfTime }),
        };
        assert_eq!(next, expected, "{headers:?}");
    }
}
