//! How long the first try of a client waits for the metadata service before the client takes it for absent. Measured with the
//! clients named, each against an endpoint that answered late; those that wait longer than a second are not listed.

use std::time::Duration;

/// A client that gives up early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstTry {
    /// The client, for people.
    pub client: &'static str,
    /// It waits so long.
    pub patience: Duration,
    /// It waits for the connection only: a slow answer on a quick connection passes.
    pub connection_only: bool,
}

const fn whole(client: &'static str, ms: u64) -> FirstTry {
    FirstTry { client, patience: Duration::from_millis(ms), connection_only: false }
}

const fn connection(client: &'static str, ms: u64) -> FirstTry {
    FirstTry { client, patience: Duration::from_millis(ms), connection_only: true }
}

/// Every client that was measured to give up within a second.
pub const FIRST_TRIES: [FirstTry; 6] = [
    whole("@azure/identity 1 and 2 (Node.js)", 300),
    whole("DefaultAzureCredential of @azure/identity 4 (Node.js)", 1000),
    whole("DefaultAzureCredential of azure_identity 0.20 (Rust)", 1000),
    connection("azure-identity 1.5 to 1.12 (Python)", 300),
    connection("DefaultAzureCredential of azure-identity 1.27 (Python)", 1000),
    connection("the Azure SDK for C++", 1000),
];

/// The clients whose first try is over before an answer that takes so long, on a connection that takes so long.
pub fn given_up(connected_after: Duration, answered_after: Duration) -> Vec<&'static str> {
    let over = |one: &&FirstTry| {
        one.patience <= if one.connection_only { connected_after } else { answered_after.max(connected_after) }
    };
    FIRST_TRIES.iter().filter(over).map(|one| one.client).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_the_connection_alone_does_not_mind_a_slow_answer() {
        let after = |connected, answered| given_up(Duration::from_millis(connected), Duration::from_millis(answered));
        assert_eq!(after(3, 200), Vec::<&str>::new());
        assert_eq!(after(3, 400), ["@azure/identity 1 and 2 (Node.js)"]);
        assert_eq!(after(3, 1500).len(), 3);
        assert_eq!(after(1200, 1500).len(), FIRST_TRIES.len());
    }
}
