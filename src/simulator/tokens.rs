//! Tokens as Entra issues them to managed identities, signed by nobody.
//!
//! Claims follow recordings of 2021 (system-assigned) and 2023 (user-assigned). The signature is noise around [`CANARY`],
//! so no service accepts such a token and every test can look for one that leaked.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::azure::cloud::Cloud;
use crate::simulator::renamed::Renamed;
use crate::simulator::scenario::TokenOddities;
use crate::simulator::vm::{self, Identity};

/// Stands in every token the simulator issues.
pub const CANARY: &str = "bWlkb2N0b3ItY2FuYXJ5";
/// How long a token of the metadata service lasts: 24 hours and 5 minutes.
pub const LIFETIME: i64 = 86_700;
/// What [`CANARY`] says when it is decoded: 15 bytes, so that it stays readable where a multiple of 3 precedes it.
const CANARY_BYTES: &[u8; 15] = b"midoctor-canary";

/// What a token is minted from.
pub struct Mint<'a> {
    /// The cloud that issues it.
    pub cloud: &'a Cloud,
    /// Whom it speaks for; `None` for a user, as Cloud Shell's tokens do.
    pub identity: Option<&'a Identity>,
    /// What it is for, as it was spelt in the request.
    pub resource: &'a str,
    /// Azure's time.
    pub now: Timestamp,
    /// Seconds from `nbf` to `exp`.
    pub lifetime: i64,
    /// What the scenario wants odd.
    pub odd: &'a TokenOddities,
    /// The VM, when it has another name than the usual one.
    pub(super) renamed: Option<&'a Renamed>,
}

/// A token with its times, for the answer that carries it.
pub struct Minted {
    /// The token.
    pub text: String,
    /// `nbf`.
    pub not_before: i64,
    /// `exp`.
    pub expires_on: i64,
    /// Seconds left, less the five minutes that `expires_in` leaves out.
    pub expires_in: i64,
}

impl Mint<'_> {
    /// Mints the token.
    pub fn mint(&self) -> Minted {
        // A fresh token is valid from five minutes before its issue: recorded answers say expires_in 86400 of 86700.
        let not_before = self.now.as_second() - 300 - self.odd.age_seconds;
        let expires_on = not_before + self.lifetime;
        let mut noise =
            Noise::new(&[self.resource, &self.now.to_string(), self.identity.map_or("", |it| it.client_id)]);
        let text = if self.odd.malformed {
            format!("{CANARY}{}", URL_SAFE_NO_PAD.encode(noise.bytes(90)))
        } else {
            let thumbprint = URL_SAFE_NO_PAD.encode(noise.bytes(20));
            let header = format!(r#"{{"typ":"JWT","alg":"RS256","x5t":"{thumbprint}","kid":"{thumbprint}"}}"#);
            let claims = Value::Object(self.claims(not_before, expires_on, &mut noise)).to_string();
            let claims = self.renamed.map_or_else(|| claims.clone(), |renamed| renamed.text(&claims));
            let mut signature = noise.bytes(120);
            signature.extend_from_slice(CANARY_BYTES);
            signature.extend(noise.bytes(121));
            [header.into_bytes(), claims.into_bytes(), signature].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
        };
        Minted { text, not_before, expires_on, expires_in: (expires_on - self.now.as_second()).max(0) }
    }

    fn claims(&self, not_before: i64, expires_on: i64, noise: &mut Noise) -> Map<String, Value> {
        let odd = |value: &Option<String>, usual: &str| Value::from(value.as_deref().unwrap_or(usual));
        let tenant = self.odd.tid.as_deref().unwrap_or(vm::TENANT);
        let issuer = self.odd.issuer.clone().unwrap_or_else(|| issuer(self.cloud, tenant));
        let mut claims = Map::new();
        let mut put = |name: &str, value: Value| {
            claims.insert(name.to_owned(), value);
        };
        put("aud", odd(&self.odd.audience, self.resource));
        put("iss", issuer.clone().into());
        put("iat", not_before.into());
        put("nbf", not_before.into());
        put("exp", expires_on.into());
        put("aio", URL_SAFE_NO_PAD.encode(noise.bytes(27)).into());
        put("rh", format!("1.{}.", URL_SAFE_NO_PAD.encode(noise.bytes(30))).into());
        put("uti", URL_SAFE_NO_PAD.encode(noise.bytes(16)).into());
        put("tid", tenant.into());
        put("ver", "1.0".into());
        put("idp", issuer.into());
        let Some(identity) = self.identity else {
            // assumed: Cloud Shell's tokens are a user's, issued to Azure CLI's application.
            put("appid", "04b07795-8ddb-461a-bbee-02f9e1bf7b46".into());
            put("appidacr", "0".into());
            put("idtyp", "user".into());
            put("oid", odd(&self.odd.oid, "b1c2d3e4-f5a6-4b7c-8d9e-0f1a2b3c4d5e"));
            put("scp", "user_impersonation".into());
            return claims;
        };
        put("appid", identity.client_id.into());
        put("appidacr", "2".into());
        put("idtyp", "app".into());
        put("oid", odd(&self.odd.oid, identity.principal_id));
        put("sub", odd(&self.odd.oid, identity.principal_id));
        let written = |id: String| id.replace("/resourceGroups/", "/resourcegroups/");
        put("xms_mirid", odd(&self.odd.xms_mirid, &written(identity.resource_id())));
        if identity.name.is_some() {
            put("xms_az_rid", odd(&self.odd.xms_az_rid, &written(vm::resource_id())));
            put("xms_cae", "1".into());
            put("xms_tcdt", 1_698_417_557.into());
        } else {
            if self.odd.xms_az_rid.is_some() {
                put("xms_az_rid", odd(&self.odd.xms_az_rid, ""));
            }
            put("xms_tcdt", "1289241547".into());
        }
        claims
    }
}

/// Who signs a cloud's tokens for a tenant. assumed where that is not known: a host beside Azure Resource Manager's.
pub(super) fn issuer(cloud: &Cloud, tenant: &str) -> String {
    match cloud.sts_host {
        Some(host) => format!("https://{host}/{tenant}/"),
        None => {
            let domain = cloud.arm_host.strip_prefix("management.").unwrap_or(&cloud.arm_host);
            format!("https://sts.{domain}/{tenant}/")
        }
    }
}

/// Bytes that look random and are the same for the same seed, so that a scenario plays the same way every time.
pub struct Noise(u64);

impl Noise {
    /// Noise that the given texts decide (FNV-1a as seed, SplitMix64 as stream). Not for anything that must be secret.
    pub fn new(seed: &[&str]) -> Self {
        let bytes = seed.iter().flat_map(|text| text.bytes().chain([0]));
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.next().to_le_bytes()).flatten().take(count).collect()
    }

    /// A GUID as request ids are.
    pub fn guid(&mut self) -> String {
        let number = (u128::from(self.next()) << 64) | u128::from(self.next());
        uuid::Builder::from_random_bytes(number.to_be_bytes()).into_uuid().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Token;

    fn mint(identity: &Identity, odd: &TokenOddities) -> Minted {
        let now = Timestamp::from_second(1_757_608_856).expect("in range");
        let resource = "https://management.azure.com/";
        Mint { cloud: Cloud::public(), identity: Some(identity), resource, now, lifetime: LIFETIME, odd, renamed: None }
            .mint()
    }

    #[test]
    fn the_canary_stands_in_every_token() {
        assert_eq!(URL_SAFE_NO_PAD.encode(CANARY_BYTES), CANARY);
        for malformed in [false, true] {
            let minted = mint(&vm::SYSTEM, &TokenOddities { malformed, ..TokenOddities::default() });
            assert!(minted.text.contains(CANARY));
            assert_eq!(Token::new(minted.text).claims().unreadable.is_some(), malformed);
        }
    }

    #[test]
    fn a_system_assigned_token_names_the_vm() {
        let minted = mint(&vm::SYSTEM, &TokenOddities::default());
        assert_eq!((minted.not_before, minted.expires_on, minted.expires_in), (1_757_608_556, 1_757_695_256, 86_400));
        let claims = Token::new(minted.text).claims();
        let text = |name| claims.text(name).unwrap_or_default();
        assert_eq!(text("aud"), "https://management.azure.com/");
        assert_eq!(text("iss"), format!("https://sts.windows.net/{}/", vm::TENANT));
        assert_eq!(text("appid"), vm::SYSTEM.client_id);
        assert_eq!((text("oid"), text("sub")), (vm::SYSTEM.principal_id, vm::SYSTEM.principal_id));
        assert!(
            text("xms_mirid")
                .ends_with("/resourcegroups/rg-doctor/providers/Microsoft.Compute/virtualMachines/vm-doctor-01")
        );
        assert_eq!(claims.text("xms_az_rid"), None);
    }

    #[test]
    fn a_user_assigned_token_names_the_identity_and_the_vm() {
        let claims = Token::new(mint(&vm::USER[0], &TokenOddities::default()).text).claims();
        let text = |name| claims.text(name).unwrap_or_default();
        assert!(
            text("xms_mirid").ends_with(
                "/resourcegroups/rg-doctor/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-app"
            )
        );
        assert!(text("xms_az_rid").ends_with("/virtualMachines/vm-doctor-01"));
    }

    #[test]
    fn another_tenant_is_also_another_issuer() {
        let odd = TokenOddities { tid: Some("t".into()), age_seconds: 90_000, ..TokenOddities::default() };
        let minted = mint(&vm::SYSTEM, &odd);
        assert_eq!(minted.expires_in, 0);
        assert_eq!(Token::new(minted.text).claims().text("iss"), Some("https://sts.windows.net/t/"));
    }
}
