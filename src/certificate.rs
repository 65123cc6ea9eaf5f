//! A server's certificate as it is kept in evidence: whom it is for, who signed it, and whose roots its chain leads to. Data only:
//! the wires read it, the checks judge it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A server's certificate, as far as a person needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// The subject's distinguished name.
    pub subject: String,
    /// The issuer's distinguished name.
    pub issuer: String,
    /// Names it is valid for.
    pub names: Vec<String>,
    /// Has it no subject alternative name at all, not even an address? Absent where it has some, and in reports from before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_names: bool,
    /// Valid from, RFC 3339.
    pub not_before: String,
    /// Valid until, RFC 3339.
    pub not_after: String,
    /// Whose roots its chain leads to, its name and its dates aside; absent in reports from before this was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_by: Option<TrustedBy>,
    /// Its issuer, that one's issuer and so on, as far as the server sent their certificates: at most five distinguished names,
    /// the last the topmost seen. Empty when it sent the leaf alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<String>,
    /// Does the chain go on above the last of these five?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chain_cut: bool,
    /// Why its chain leads to nobody, where that is not for want of a known authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_fault: Option<ChainFault>,
    /// The issuer that was sent along and is out of date, where that is why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_out_of_date: Option<Dated>,
    /// Why it was refused; absent when it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// The dates of an issuer's certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Dated {
    /// The issuer's distinguished name.
    pub subject: String,
    /// Valid from, RFC 3339.
    pub not_before: String,
    /// Valid until, RFC 3339.
    pub not_after: String,
}

/// What keeps a chain from being followed to an authority, known or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChainFault {
    /// A signature is not by the key of the authority that it names.
    Signature,
    /// There are more authorities in between, or more ways, than are followed.
    TooLong,
    /// At no time were all of its certificates valid.
    OutOfDate,
    /// One of its certificates may not be used for this.
    Unusable,
}

/// Whose roots a certificate's chain leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrustedBy {
    /// Those of the machine and those of Mozilla's list, which Python and Node.js bring along.
    Both,
    /// Those of the machine alone (or of `SSL_CERT_FILE` and `SSL_CERT_DIR`): somebody added one.
    Platform,
    /// Those of Mozilla's list alone: the machine's own list is lacking.
    Mozilla,
    /// Nobody's.
    Nobody,
}
