//! A metadata service that answers late: the warning `imds-slow` of the check `metadata`. Some clients give up sooner than others.

use std::time::Duration;

use crate::case::Case;
use crate::check::Finding;
use crate::clients::first_try::given_up;
use crate::evidence::{Exchange, Request};
use crate::words::in_words;

/// A first answer that takes longer is told; on a healthy VM it takes milliseconds.
const LONG: Duration = Duration::from_secs(1);

/// The finding, when the first answer to the first question came late.
pub(super) fn finding(case: &Case, connect: &Request, question: &Request) -> Option<Finding> {
    // The first try: what a later one takes, a client that has given up never learns.
    let first =
        |exchange: &Exchange| exchange.attempts.first().map(|attempt| Duration::from_millis(attempt.duration_ms));
    let connected = first(case.exchange(connect)?)?;
    let exchange = case.exchange(question)?;
    exchange.attempts.first()?.outcome.answer()?;
    let answered = first(exchange)?;
    if answered.max(connected) <= LONG {
        return None;
    }
    let late = if connected > LONG {
        format!("A connection to 169.254.169.254:80 came about after {}", in_words(connected))
    } else {
        format!(
            "{} was answered after {}, though a connection takes {}",
            question.in_words(),
            in_words(answered),
            in_words(connected)
        )
    };
    let given_up = given_up(connected, answered);
    let clients = if given_up.is_empty() { "none that was measured".to_owned() } else { given_up.join(", ") };
    Some(Finding::warning("imds-slow").with("late", late).with("clients", clients))
}
