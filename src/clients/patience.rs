//! How long each client insists on the metadata service before it says anything. Measured with the versions named, in a network
//! namespace of its own, for at most 112 seconds; what was not measured is not known, and nothing here is worked out.

use std::fmt;

use serde::Serialize;

/// How long a client insists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Patience {
    /// When packets to the metadata service vanish.
    pub dropped: Option<Span>,
    /// When it accepts the connection and never answers.
    pub unanswered: Option<Span>,
    /// When it refuses the connection.
    pub refused: Option<Span>,
}

/// A measured time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Span {
    /// So many tenths of a second, then it said what is wrong.
    Tenths(u32),
    /// It had said nothing when the measurement ended after so many seconds.
    MoreThan(u32),
}

impl Serialize for Span {
    /// `{"seconds": 12.9, "at_least": false}`.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let (seconds, at_least) = match *self {
            Self::Tenths(tenths) => (f64::from(tenths) / 10.0, false),
            Self::MoreThan(seconds) => (f64::from(seconds), true),
        };
        let mut fields = serializer.serialize_struct("Span", 2)?;
        fields.serialize_field("seconds", &seconds)?;
        fields.serialize_field("at_least", &at_least)?;
        fields.end()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Tenths(tenths) => write!(formatter, "{}.{} s", tenths / 10, tenths % 10),
            Self::MoreThan(seconds) => write!(formatter, "over {seconds} s"),
        }
    }
}

/// The end of every measurement.
const STILL: Option<Span> = Some(Span::MoreThan(112));

/// A time in tenths of a second.
const fn after(tenths: u32) -> Option<Span> {
    Some(Span::Tenths(tenths))
}

/// By client: dropped, unanswered, refused.
const MEASURED: [(&str, [Option<Span>; 3]); 12] = [
    // azure-identity 1.27.
    ("python-managed", [after(129), STILL, after(49)]),
    ("python-default", [after(11), STILL, after(1)]),
    ("python-aio-managed", [after(129), None, after(49)]),
    // Azure.Identity with MSAL.NET 4.84, in Azure's MCP server 3.0.
    ("dotnet-managed", [STILL, STILL, after(274)]),
    // @azure/identity 4.13.
    ("node-managed", [STILL, STILL, after(61)]),
    ("node-default", [after(10), None, after(0)]),
    // azure_identity 1.0.
    ("rust-managed", [after(989), None, after(1009)]),
    // msal 1.39.
    ("msal-python", [STILL, None, after(0)]),
    // @azure/msal-node 7.2.
    ("msal-node", [after(105), None, after(0)]),
    // Azure CLI 2.91.
    ("azure-cli", [STILL, STILL, after(23)]),
    // msrestazure 0.6.4.
    ("msrestazure", [STILL, STILL, after(1)]),
    // go-autorest 14.2.
    ("go-autorest", [STILL, STILL, STILL]),
];

/// How long this client insists, as far as that was measured.
pub(super) fn of(client: &str) -> Patience {
    let found = MEASURED.iter().find(|(id, _)| *id == client).map(|(_, spans)| *spans);
    let [dropped, unanswered, refused] = found.unwrap_or_default();
    Patience { dropped, unanswered, refused }
}
