//! How a run has to end, by the question and the kind of fault. Written by what is right for a user: what is known is said, and
//! what is not known leaves the run undetermined; nothing is healthy by silence or by nonsense.
//!
//! Where the run may be healthy all the same, the row says why.

use std::fmt;

use super::fault::{Class, Fault};
use super::question::Question;
use Class::*;
use Question::*;

/// The end of a run: exit code, verdict, and what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Exit 1, with this root cause.
    Unhealthy(&'static str),
    /// Exit 3: nothing failed, and these checks could not be judged.
    Open(&'static str),
    /// Exit 1 by `--fail-on warn`, with this warning.
    Warned(&'static str),
    /// Exit 0.
    Healthy,
}
use Ending::*;

impl fmt::Display for Ending {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Unhealthy(root) => write!(out, "1 unhealthy {root}"),
            Open(checks) => write!(out, "3 undetermined {checks}"),
            Warned(code) => write!(out, "1 degraded {code}"),
            Healthy => write!(out, "0 healthy"),
        }
    }
}

/// Nothing is known of the VM, and so of nothing that follows.
const NO_VM: Ending = Open("metadata identity principal token validity arm reader roles");
/// No token is known, and so nothing that it opens. The address of Azure Resource Manager is, and it was asked without one.
const NO_TOKEN: Ending = Open("identity principal token validity reader roles");

/// The table.
const TABLE: &[(Question, &[Class], Ending)] = &[
    // Without this document nothing is known, and who answers something else is not the metadata service.
    (Instance, &[Silence], Unhealthy("imds-timeout")),
    (Instance, &[Broken], Unhealthy("imds-refused")),
    (Instance, &[NotHttp, Flood, Empty, Redirect], Unhealthy("imds-not-azure")),
    (Instance, &[Html], Unhealthy("imds-proxied")),
    (Instance, &[Endless, Unreadable, Odd], NO_VM),
    // It tells the tenant of the system-assigned identity, which the token tells as well: where it is not known, there is nothing to
    // hold the token against, and nothing is missed that any client would need.
    (Info, &[Silence, Broken, NotHttp, Flood, Endless, Unreadable, Odd, Empty, Html, Redirect], Healthy),
    // The token path is a part of the metadata service.
    (Token, &[Silence], Unhealthy("imds-timeout")),
    (Token, &[Broken], Unhealthy("imds-refused")),
    (Token, &[NotHttp, Flood, Empty, Redirect], Unhealthy("imds-not-azure")),
    (Token, &[Html], Unhealthy("imds-proxied")),
    (Token, &[Endless, Unreadable, Odd], NO_TOKEN),
    (Token, &[NoToken, OddToken], Unhealthy("token-malformed")),
    // It shows that Azure Resource Manager is there: its certificate and its headers say so, and what it says in the body to those
    // without a token is of no interest. The questions that matter are answered.
    (Door, &[Silence, Broken, NotHttp, Flood, Empty, Html, Redirect], Unhealthy("arm-unreachable")),
    (Door, &[Endless, Unreadable, Odd], Healthy),
    // Whether the VM may be read, and whose principal it shows.
    (Vm, &[Silence, Broken, NotHttp, Flood, Empty, Html, Redirect], Unhealthy("arm-unreachable")),
    (Vm, &[Endless, Unreadable, Odd], Open("principal reader")),
    (Permissions, &[Silence, Broken, NotHttp, Flood, Empty, Html, Redirect], Unhealthy("arm-unreachable")),
    (Permissions, &[Endless, Unreadable, Odd], Open("roles")),
    // Whose roles are under a condition, what a role allows, and who is denied something, nobody else tells. Azure Resource Manager
    // is there, as the other answers show.
    (Assignments, &[Silence, Broken, NotHttp, Flood, Endless, Unreadable, Odd, Empty, Html, Redirect], Open("roles")),
    (Definitions, &[Silence, Broken, NotHttp, Flood, Endless, Unreadable, Odd, Empty, Html, Redirect], Open("roles")),
    (Deny, &[Silence, Broken, NotHttp, Flood, Endless, Unreadable, Odd, Empty, Html, Redirect], Open("roles")),
    // By then the service has shown its certificate: it is not the network that keeps the VM out. Of an answer to nobody only its
    // challenge is read, which is needed where the token is refused, and here it is not.
    (Data, &[Silence, Broken, NotHttp, Flood], Open("data")),
    (Data, &[Endless, Unreadable, Odd, Empty, Html, Redirect], Healthy),
    // What it hands out is not read: that it hands it out is the answer. Nothing, and a page for people, are no data.
    (DataWithToken, &[Silence, Broken, NotHttp, Flood, Empty, Html, Redirect], Open("data")),
    (DataWithToken, &[Endless, Unreadable, Odd], Healthy),
    // Whoever listens there is worth a warning, whatever it answers.
    (
        Retired,
        &[Silence, Broken, NotHttp, Flood, Endless, Unreadable, Odd, Empty, Html, Redirect],
        Warned("legacy-answering"),
    ),
];

/// What differs from the table.
const EXCEPTIONS: &[(Question, &str, Ending)] = &[
    // The answer holds no access_token that could be malformed.
    (Token, "a token without parts", NO_TOKEN),
    (Token, "a token that is a number", NO_TOKEN),
    (Token, "a token that is an object", NO_TOKEN),
    // It is JSON, with all that is wanted beside something that nobody asked for, which is skipped whatever its depth. Of the lists
    // of patterns less is read.
    (Assignments, "something deep in front", Healthy),
];

/// The ending that this fault has to have.
pub fn of(question: Question, fault: &Fault) -> Ending {
    let exception = EXCEPTIONS.iter().find(|(asked, name, _)| *asked == question && *name == fault.name);
    let row = || TABLE.iter().find(|(asked, classes, _)| *asked == question && classes.contains(&fault.class));
    exception.map(|(_, _, ending)| *ending).or_else(|| row().map(|(_, _, ending)| *ending)).unwrap()
}
