//! The words for faults of connections, in every runtime and language that clients speak.
//!
//! Whom a fault is about is found in `transport`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::text::{Text, fold};
use crate::pattern::pattern;

/// What went wrong with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Turned away.
    Refused,
    /// No answer in time.
    TimedOut,
    /// No way there.
    Unreachable,
    /// The name leads nowhere.
    Unresolved,
    /// Closed from the other side.
    Reset,
    /// A certificate that is not trusted.
    Certificate,
    /// A proxy that is not there or says no.
    Proxy,
}

/// Every fault that the text names, and where.
pub fn faults(text: &Text) -> Vec<(Fault, Range<usize>)> {
    let words = ANY_FAULT.find_iter(&text.flat).map(|word| (FOLDED[word.as_str()], word.range()));
    // Container runtimes resolve references to images, which are no names of hosts.
    words.filter(|(_, at)| !text.flat[at.end..].starts_with(" reference")).collect()
}

/// The words for each fault. Sentences in other languages are .NET's and Windows' own; long ones are cut to what tells them apart.
const WORDS: &[(Fault, &[&str])] = &[
    (
        Fault::Refused,
        &[
            "ECONNREFUSED",
            "Connection refused",
            "actively refused",
            "[Errno 111]",
            "[Errno 61]",
            "WinError 10061",
            "(10061)",
            "Connect call failed",
            "Couldn't connect to server",
            "target machine actively",
            "Could not connect to server",
            "actief heeft geweigerd",
            "actief geweigerd",
            "Zielcomputer die Verbindung verweigerte",
            "Verbindung verweigert",
            "l’a expressément refusée",
            "Connexion refusée",
            "Connexion refusé",
            "denegó expresamente dicha conexión",
            "Conexión rehusada",
            "Conexión rechazada",
            "recusou-as ativamente",
            "recusou ativamente",
            "recusou activamente",
            "Conexão recusada",
            "rifiuto persistente del computer di destinazione",
            "Connessione rifiutata",
            "対象のコンピューターによって拒否された",
            "接続を拒否されました",
            "目标计算机积极拒绝",
            "拒绝连接",
            "连接被拒绝",
        ],
    ),
    (
        Fault::TimedOut,
        &[
            "ETIMEDOUT",
            "UND_ERR_CONNECT_TIMEOUT",
            "timed out",
            "i/o timeout",
            "execution expired",
            "Timeout was reached",
            "exceeded the configured timeout",
            "WinHttp error: 12002",
            "ESOCKETTIMEDOUT",
            "deadline has elapsed",
            "[Errno 110]",
            "[Errno 60]",
            "WinError 10060",
            "(10060)",
            "connect timeout",
            "Connect Timeout Error",
            "did not properly respond after a period of time",
            "context deadline exceeded",
            "Client.Timeout exceeded",
            "operation has timed out",
            "HttpClient.Timeout of",
            "Zeitlimit überschritten",
            "Timeout für Vorgang",
            "niet op juiste wijze heeft geantwoord",
            "niet juist heeft gereageerd na een bepaalde tijd",
            "time-out van de bewerking",
            "nach einer bestimmten Zeitspanne nicht richtig reagiert",
            "nicht ordnungsgemäß reagiert",
            "n’a pas répondu convenablement au-delà d’une certaine durée",
            "Délai d’attente",
            "délai d’attente de l’opération",
            "no respondió adecuadamente tras un periodo de tiempo",
            "Se excedió el tiempo de espera",
            "tiempo de espera de la operación",
            "não respondeu corretamente após um período de tempo",
            "não respondeu correctamente após um período de tempo",
            "tempo limite da operação",
            "tempo limite da conexão",
            "parte connessa non ha risposto correttamente dopo un certo periodo di tempo",
            "Mancata risposta della parte connessa",
            "Timeout dell’operazione",
            "一定の時間を過ぎても正しく応答しなかった",
            "タイムアウト",
            "连接方在一段时间后没有正确答复",
            "操作超时",
            "连接超时",
        ],
    ),
    (
        Fault::Unreachable,
        &[
            "ENETUNREACH",
            "EHOSTUNREACH",
            "EHOSTDOWN",
            "Network is unreachable",
            "No route to host",
            "Host is down",
            "Host is unreachable",
            "Host unreachable",
            "Network unreachable (",
            "NoRouteToHostException",
            "[Errno 101]",
            "[Errno 113]",
            "[Errno 51]",
            "[Errno 65]",
            "WinError 10051",
            "WinError 10065",
            "(10051)",
            "(10065)",
            "unreachable network",
            "unreachable host",
            "onbereikbaar netwerk",
            "onbereikbare host",
            "nicht erreichbaren Netzwerk",
            "nicht erreichbaren Host",
            "Das Netzwerk ist nicht erreichbar",
            "réseau impossible à atteindre",
            "hôte impossible à atteindre",
            "Le réseau n’est pas accessible",
            "red no accesible",
            "host no accesible",
            "La red es inaccesible",
            "rede inacessível",
            "rede inalcançável",
            "host inacessível",
            "rete non raggiungibile",
            "host non raggiungibile",
            "到達できないネットワーク",
            "到達できないホスト",
            "无法连接的网络",
            "无法连接的主机",
            "网络不可达",
        ],
    ),
    (
        Fault::Unresolved,
        &[
            "Could not resolve host",
            "unable to resolve host address",
            "Failed to resolve",
            "Name or service not known",
            "Name does not resolve",
            "No address associated with hostname",
            "Resource temporarily unavailable (",
            "could not translate host name",
            "server name or address could not be resolved",
            "Temporary failure in name resolution",
            "ENOTFOUND",
            "EAI_AGAIN",
            "no such host",
            "tcp: lookup",
            "getaddrinfo failed",
            "nodename nor servname",
            "server misbehaving",
            "dns error",
            "UnknownHostException",
            "failed to lookup address",
            "remote name could not be resolved",
            "externe naam kan niet worden omgezet",
            "Host is onbekend",
            "Remotename konnte nicht aufgelöst werden",
            "Der angegebene Host ist unbekannt",
            "Es ist kein solcher Host bekannt",
            "nom distant n’a pas pu être résolu",
            "Hôte inconnu",
            "No se puede resolver el nombre remoto",
            "Host desconocido",
            "No existe ningún host conocido",
            "nome remoto não pôde ser resolvido",
            "não foi possível resolver o nome remoto",
            "Este host não é conhecido",
            "Impossibile risolvere il nome remoto",
            "Host sconosciuto",
            "リモート名を解決できませんでした",
            "そのようなホストは不明です",
            "未能解析此远程名称",
            "无法解析此远程名称",
            "不知道这样的主机",
        ],
    ),
    (
        Fault::Reset,
        &[
            "ECONNRESET",
            "Connection reset",
            "Connection aborted",
            "Remote end closed connection",
            "Server disconnected",
            "socket hang up",
            "response ended prematurely",
            "prematurely closed",
            "unexpected EOF",
            "end of file reached",
            "NoHttpResponseException",
            "Empty reply from server",
            "forcibly closed by the remote host",
        ],
    ),
    (
        Fault::Certificate,
        &[
            "CERTIFICATE_VERIFY_FAILED",
            "certificate verify failed",
            "CertificateError",
            "ERROR: hostname '",
            "SSL certificate problem",
            "self signed certificate",
            "self-signed certificate",
            "unable to get local issuer certificate",
            "UNABLE_TO_GET_ISSUER_CERT",
            "unable to verify the first certificate",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "x509: ",
            "x509 certificate signed by",
            "PKIX path building failed",
            "remote certificate is invalid",
            "certificate chain was issued by an authority that is not trusted",
            "unable to find valid certification path",
            "trust relationship for the SSL/TLS",
            "certificate has expired",
            "certificate is not yet valid",
            "CERT_HAS_EXPIRED",
            "ERR_TLS_CERT_ALTNAME_INVALID",
            "Hostname/IP does not match certificate",
            "invalid peer certificate",
            "SSL: no alternative certificate subject name",
            "keine Vertrauensstellung für den sicheren SSL/TLS-Kanal",
            "Kan geen vertrouwensrelatie voor het beveiligde SSL/TLS-kanaal",
            "relation de confiance pour le canal sécurisé SSL/TLS",
            "relación de confianza para el canal seguro SSL/TLS",
            "relação de confiança para o canal seguro SSL/TLS",
            "relação de confiança para o canal seguro de SSL/TLS",
            "relazione di trust per il canale sicuro SSL/TLS",
            "チャネルに対する信頼関係を確立できませんでした",
            "安全通道建立信任关系",
        ],
    ),
    (
        Fault::Proxy,
        &[
            "ProxyError",
            "Unable to connect to proxy",
            "Cannot connect to proxy",
            "Tunnel connection failed",
            "tunneling socket could not be established",
            "proxyconnect tcp",
            "Could not resolve proxy",
            "CONNECT tunnel failed",
            "HTTP code 407 from proxy",
            "from proxy after CONNECT",
            "Proxy CONNECT aborted",
            "Proxy tunneling failed",
            "ClientProxyConnectionError",
            "ClientHttpProxyError",
            "unsuccessful tunnel",
            "tunnel error",
            "\": Forbidden",
            "\": Proxy Authentication Required",
            "\": Bad Gateway",
            "\": Service Unavailable",
        ],
    ),
];

static FOLDED: LazyLock<HashMap<String, Fault>> =
    LazyLock::new(|| WORDS.iter().flat_map(|(fault, words)| words.iter().map(|word| (fold(word), *fault))).collect());

static ANY_FAULT: LazyLock<Regex> = LazyLock::new(|| {
    let mut words: Vec<&String> = FOLDED.keys().collect();
    // The longest first: one of them can begin another.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    pattern(&words.iter().map(|word| whole_word(word)).collect::<Vec<_>>().join("|"))
});

/// `enotfound` is not the end of `FileNotFoundError`; letters of other scripts stand together without a gap.
fn whole_word(word: &str) -> String {
    let edge = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    let (before, after) = (edge(word.chars().next()), edge(word.chars().last()));
    format!("{}{}{}", if before { r"\b" } else { "" }, regex::escape(word), if after { r"\b" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        crate::pattern::are_all_of(include_str!("faults.rs"), &[&ANY_FAULT]);
    }
}
