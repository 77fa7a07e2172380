//! Where the hub may send events: an address whose host the operator of the stack has allowed, and that leads
//! out of every private network.
//!
//! Whoever may set an address must not be able to have the hub call services that trust its network. So an
//! address names a host of a list that stands in the configuration of the stack, and what that name resolves
//! to is judged as well, by whoever connects, with [`is_public`].

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest address.
pub const URL_CHARACTERS_MAX: usize = 500;
/// The entry of the list that allows this machine without TLS: for tests on a local cloud and nothing else.
const THIS_MACHINE: &str = "http://127.0.0.1";

/// The hosts that may be sent to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    /// Reads a list of `host` or `host:port`, separated by commas. What is no host allows nothing.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        Self(list.split(',').map(|host| host.trim().to_ascii_lowercase()).collect())
    }

    fn has(&self, entry: &str) -> bool {
        !entry.is_empty() && self.0.iter().any(|allowed| allowed == entry)
    }
}

/// Why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// It is no address of the form asked for.
    #[error(
        "is not https://<host>[:port]/<path> without user, fragment or blanks, 500 characters at the most"
    )]
    Form,
    /// Its host is none of the list.
    #[error("names a host that the stack does not allow (WebhookHosts)")]
    Host,
}

/// An address that events may be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl {
    text: String,
    is_this_machine: bool,
}

impl WebhookUrl {
    /// Reads an address against the list.
    pub fn parse(text: &str, allowed: &AllowedHosts) -> Result<Self, WebhookError> {
        let plain =
            |b: u8| b.is_ascii_graphic() && !matches!(b, b'#' | b'@' | b'\\' | b'"' | b'<' | b'>');
        if text.len() > URL_CHARACTERS_MAX || !text.bytes().all(plain) {
            return Err(WebhookError::Form);
        }
        let (scheme, rest) = text.split_once("://").ok_or(WebhookError::Form)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, _) = rest.split_at_checked(end).ok_or(WebhookError::Form)?;
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| WebhookError::Form)?)),
            None => (authority, None),
        };
        let is_this_machine = scheme == "http" && host == "127.0.0.1";
        if is_this_machine {
            let is_allowed = allowed.has(THIS_MACHINE);
            return if is_allowed { Ok(Self::new(text, true)) } else { Err(WebhookError::Host) };
        }
        if scheme != "https" || !is_name(host) {
            return Err(WebhookError::Form);
        }
        let entry = match port {
            None | Some(443_u16) => host.to_owned(),
            Some(port) => format!("{host}:{port}"),
        };
        if allowed.has(&entry) { Ok(Self::new(text, false)) } else { Err(WebhookError::Host) }
    }

    fn new(text: &str, is_this_machine: bool) -> Self {
        Self { text: text.to_owned(), is_this_machine }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the list names this machine, which [`is_public`] would refuse.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        self.is_this_machine
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A name of at least two parts, the last of which no number has: so no way of writing an IP address.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(plain)
    };
    let top = host.rsplit('.').next().unwrap_or_default();
    host.len() <= 253
        && host.contains('.')
        && host.split('.').all(label)
        && top.bytes().any(|b| b.is_ascii_lowercase())
}

/// Whether an address is one of the public internet. Everything else is refused, known services that trust
/// their network above all: loopback, private and link-local networks, the metadata of the cloud.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b) {
        // This network, private, loopback, multicast and reserved; the shared space of carriers; link-local, with
        // the cloud's metadata; benchmarks.
        (0 | 10 | 127 | 224.., _)
        | (100, 64..=127)
        | (169, 254)
        | (172, 16..=31)
        | (192, 168)
        | (198, 18 | 19) => true,
        // Protocol assignments, documentation, the 6to4 relay.
        (192, 0) => c == 0 || c == 2,
        (192, 88) => c == 99,
        (198, 51) => c == 100,
        (203, 0) => c == 113,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Global unicast, without the blocks in it that lead elsewhere: protocol assignments and Teredo,
    // documentation, 6to4.
    let special = match (a, b) {
        (0x2001, 0..=0x1ff | 0xdb8) | (0x2002, _) => true,
        (0x3fff, b) => b < 0x1000,
        _ => false,
    };
    (0x2000..=0x3fff).contains(&a) && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_allowed_hosts_are_taken_and_no_others() {
        let allowed = AllowedHosts::parse("hooks.example.com, plan.example.com:8443");
        let check = |text: &str, expected: Result<(), WebhookError>| {
            assert_eq!(WebhookUrl::parse(text, &allowed).map(|_| ()), expected, "{text}");
        };
        check("https://hooks.example.com", Ok(()));
        check("https://hooks.example.com/a/b?c=d", Ok(()));
        check("https://hooks.example.com:443/", Ok(()));
        check("https://plan.example.com:8443/x", Ok(()));
        for text in [
            "https://plan.example.com/x",
            "https://hooks.example.com:8443/",
            "https://evil.example.com/",
            "https://hooks.example.com.evil.example/",
            "http://127.0.0.1:8080/",
        ] {
            check(text, Err(WebhookError::Host));
        }
        for text in [
            "",
            "hooks.example.com",
            "http://hooks.example.com/",
            "ftp://hooks.example.com/",
            "https://user@hooks.example.com/",
            "https://evil.example/#@hooks.example.com",
            "https://evil.example\\@hooks.example.com/",
            "https://HOOKS.example.com/",
            "https://hooks.example.com:port/",
            "https://hooks.example.com:99999/",
            "https://hooks.example.com/a b",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://localhost/",
            "https:///x",
        ] {
            check(text, Err(WebhookError::Form));
        }
        check(&format!("https://hooks.example.com/{}", "a".repeat(500)), Err(WebhookError::Form));
    }

    #[test]
    fn this_machine_is_called_only_where_the_list_says_so() {
        let local = AllowedHosts::parse("http://127.0.0.1");
        let url = WebhookUrl::parse("http://127.0.0.1:8080/hook", &local).unwrap();
        assert!(url.is_this_machine());
        for text in ["http://127.0.0.2:8080/", "http://localhost:8080/", "http://169.254.169.254/"]
        {
            assert!(WebhookUrl::parse(text, &local).is_err(), "{text}");
        }
        assert!(WebhookUrl::parse("http://127.0.0.1:8080/", &AllowedHosts::parse("")).is_err());
        assert!(WebhookUrl::parse("https://a.b/", &AllowedHosts::default()).is_err());
    }

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for text in
            ["93.184.216.34", "8.8.8.8", "100.128.0.1", "172.32.0.1", "192.1.0.1", "2600::1"]
        {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:a00:1::",
            "3fff::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }
}
