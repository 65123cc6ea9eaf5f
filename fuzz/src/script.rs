//! A VM that answers as a script says, and as a simulated one where the script says nothing.
//!
//! The script is bytes. The first picks a scenario; the rest are answers, parted by 0xff, which is in no text. The first byte of an
//! answer picks the questions that it is for. What follows is a status line, headers, a blank line and a body, or an outcome as
//! evidence has it, as JSON.

use std::cell::Cell;
use std::sync::Mutex;
use std::time::Duration;

use midoctor::evidence::{BODY_LIMIT, Outcome, Raw, Reply, Request, Wire};
use midoctor::plan::Plan;
use midoctor::scenarios;
use midoctor::simulator::{Azure, SimulatedMachine};
use midoctor::token::{Secret, Token};

use crate::{now, with_tokens};

/// What an answer is for: a part of the URL, or a kind of question.
pub const QUESTIONS: [&str; 24] = [
    "/metadata/instance",
    "/metadata/identity/info",
    "/metadata/identity/oauth2/token",
    "/metadata/",
    "/subscriptions/",
    "/virtualMachines/",
    "/permissions",
    "/roleAssignments",
    "/denyAssignments",
    "/roleDefinitions",
    "/resourcegroups",
    "vault.azure.net",
    "blob.core.windows.net",
    "azurecr.io/v2",
    "azurecr.io/oauth2",
    "https://",
    "environment",
    "file",
    "presence",
    "network",
    "firewall",
    "resolve",
    "connect",
    "page=",
];

/// What the script asks of one answer.
enum Says {
    Plain(Outcome),
    Http { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
}

/// A machine whose answers a script changes.
pub struct Scripted {
    simulated: SimulatedMachine,
    answers: Vec<(u8, Says)>,
    asked: Mutex<Cell<usize>>,
}

/// Reads a script: the machine, and what is asked of it. `None` where it says nothing new.
pub fn read(data: &[u8]) -> Option<(Scripted, Plan)> {
    let (first, rest) = crate::kind(data)?;
    let all = scenarios::all();
    let scenario = all[usize::from(first) % all.len()].scenario().unwrap();
    let plan = scenarios::plan(&scenario).unwrap();
    let mut answers = Vec::new();
    for part in rest.split(|byte| *byte == 0xff).filter(|part| !part.is_empty()).take(12) {
        let (question, said) = part.split_first()?;
        answers.push((*question, says(said)?));
    }
    let simulated = SimulatedMachine::at(Azure::new(scenario), now());
    Some((Scripted { simulated, answers, asked: Mutex::default() }, plan))
}

fn says(said: &[u8]) -> Option<Says> {
    if said.starts_with(b"{") {
        return match serde_json::from_slice(said).ok()? {
            // No wire brings an answer that was sealed before.
            Outcome::Answered(answer) => Some(Says::Http {
                status: answer.status,
                headers: answer.headers.into_iter().collect(),
                body: answer.body.into_bytes(),
            }),
            outcome => Some(Says::Plain(outcome)),
        };
    }
    let text = match std::str::from_utf8(said) {
        Ok(text) => with_tokens(text)?.into_bytes(),
        Err(_) => said.to_owned(),
    };
    let end = text.windows(2).position(|two| two == b"\n\n").unwrap_or(text.len());
    let head = String::from_utf8_lossy(&text[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next()?.trim().parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect();
    Some(Says::Http { status, headers, body: text.get(end + 2..).unwrap_or_default().to_owned() })
}

fn is_for(question: &str, request: &Request) -> bool {
    match request {
        Request::Http(http) => http.url.contains(question),
        Request::Environment { .. } | Request::SharedNetwork { .. } => question == "environment",
        Request::File { .. } => question == "file",
        Request::Presence { .. } => question == "presence",
        Request::Network => question == "network",
        Request::Firewall => question == "firewall",
        Request::Firmware { .. } => question == "file",
        Request::Settings => question == "environment",
        Request::Resolve { .. } => question == "resolve",
        Request::Connect { .. } => question == "connect",
    }
}

impl Scripted {
    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.lock().unwrap().get()
    }
}

impl Wire for Scripted {
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply {
        let asked = self.asked.lock().unwrap();
        asked.set(asked.get() + 1);
        drop(asked);
        let says = self
            .answers
            .iter()
            .find(|(question, _)| is_for(QUESTIONS[usize::from(*question) % QUESTIONS.len()], request));
        let raw = match says {
            None => return self.simulated.ask(request, bearer, within),
            Some((_, Says::Plain(outcome))) => Raw::Plain(outcome.clone()),
            Some((_, Says::Http { status, headers, body })) if request.url().is_some() => {
                let body = Secret::new(body[..body.len().min(BODY_LIMIT)].to_owned());
                Raw::Http { status: *status, headers: headers.clone(), body, cut: false, certificate: None }
            }
            Some((_, Says::Http { body, .. })) => {
                Raw::Plain(Outcome::Contents { text: String::from_utf8_lossy(body).trim().to_owned() })
            }
        };
        Reply { took: Duration::from_millis(5), raw }
    }

    fn pause(&self, _: Duration) {}

    fn now(&self) -> jiff::Timestamp {
        self.simulated.now()
    }
}
