//! What is said when midoctor itself is at fault: the place and what to do, never what the message quotes. Each fault happens in a
//! process of its own, which is this test again.

#![cfg(all(feature = "simulator", feature = "archives"))]
#![cfg(unix)]

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use midoctor::engine::{self, Limits};
use midoctor::evidence::{Reply, Request, Wire};
use midoctor::fault;
use midoctor::plan::Plan;
use midoctor::simulator::{Azure, CANARY, Scenario, SimulatedMachine};
use midoctor::token::Token;

/// Names the fault that this process is to have.
const MARK: &str = "MIDOCTOR_TEST_FAULT";

/// Goes wrong with this token in its hands.
type Fault = fn(&str);

/// The ways in which code goes wrong with a token in its hands.
const FAULTS: [(&str, Fault); 4] = [
    ("says it", |token| panic!("unexpected: {token}")),
    ("cuts it", |token| drop(token[token.len() + 1..].to_owned())),
    ("reads it", |token| token.parse::<Unfit>().map(drop).unwrap()),
    ("throws it", |token| std::panic::panic_any(token.to_owned())),
];

/// What no token can be read as; why not, quotes it.
struct Unfit;

impl std::str::FromStr for Unfit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Err(format!("{text} is no such thing"))
    }
}

/// A machine at whose first question with a token something goes wrong.
struct Faulty {
    machine: SimulatedMachine,
    fault: Fault,
}

impl Wire for Faulty {
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply {
        if let Some(token) = bearer {
            assert!(token.expose().contains(CANARY) && token.expose().starts_with("eyJ"));
            (self.fault)(token.expose());
        }
        self.machine.ask(request, bearer, within)
    }

    fn pause(&self, _: Duration) {}

    fn now(&self) -> jiff::Timestamp {
        self.machine.now()
    }
}

#[test]
fn a_panic_names_the_place_and_shows_nothing_of_what_it_held() {
    if let Ok(wanted) = std::env::var(MARK) {
        fault::tell_plainly();
        let (_, fault) = FAULTS.into_iter().find(|(name, _)| *name == wanted).unwrap();
        let machine = SimulatedMachine::new(Azure::new(Scenario::default()));
        engine::examine(&Faulty { machine, fault }, &Plan::default(), Limits::default(), &|_: &Request| {});
        return;
    }
    for (name, _) in FAULTS {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "own_faults::a_panic_names_the_place_and_shows_nothing_of_what_it_held", "--nocapture"]);
        // Where the machine writes core dumps, they go with this folder.
        let folder = tempfile::tempdir().unwrap();
        again.env(MARK, name).env("RUST_BACKTRACE", "full").stdin(Stdio::null()).current_dir(&folder);
        let output = again.output().unwrap();
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        // Aborted, as the built program is: 134 to a shell.
        assert_eq!(output.status.signal(), Some(6), "{name}: {stdout}{stderr}");
        let version = env!("CARGO_PKG_VERSION");
        let start = format!("midoctor: this is a fault of midoctor {version} itself, at tests/secrets/own_faults.rs:");
        let (first, rest) = stderr.split_once('\n').unwrap();
        assert!(first.starts_with(&start), "{name}: {stderr}");
        let place = first.strip_prefix(&start).and_then(|rest| rest.split_once(','));
        assert!(place.is_some_and(|(line, _)| line.parse::<u32>().is_ok()), "{name}: {stderr}");
        assert!(
            first.ends_with(
                ", and says nothing about this machine; please report this line with the command line, and with what -o json \
                 writes where another run gets that far"
            ),
            "{name}: {stderr}"
        );
        assert_eq!(rest, "", "{name}");
        for text in [&stdout, &stderr] {
            assert!(!text.contains(CANARY) && !text.contains("eyJ"), "{name}: {text}");
        }
    }
}
