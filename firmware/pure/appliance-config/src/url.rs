//! The few parts of a URL that a key of ours takes: `http://host:port/path`.

use appliance_types::ProbeHost;

use crate::DomainName;

/// A URL of `http` or `https`, without user and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) is_https: bool,
    pub(crate) host: ProbeHost,
    pub(crate) port: Option<u16>,
    /// Path and query. Begins with `/`.
    pub(crate) target: String,
}

impl Url {
    /// # Errors
    /// What is wrong with it, as a sentence without its end.
    pub(crate) fn parse(text: &str) -> Result<Url, &'static str> {
        let (is_https, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            _ => return Err("a URL begins with `http://` or `https://`"),
        };
        if !rest.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(
                "a URL has no spaces, and no other characters than ASCII; write those as %20 and the like",
            );
        }
        if rest.contains('#') {
            return Err("what stands after `#` is not sent to a server");
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err("a URL with a user or a password would show it in every log");
        }
        let (host, port) = authority_parts(authority)?;
        let target = match target.strip_prefix('/') {
            Some(_) => target.to_owned(),
            None => format!("/{target}"),
        };
        Ok(Url { is_https, host, port, target })
    }

    pub(crate) fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(if self.is_https { 443 } else { 80 })
    }

    /// As text, without a slash at its end. `None` where it has a query.
    pub(crate) fn folder(&self) -> Option<String> {
        let scheme = if self.is_https { "https" } else { "http" };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        let path = self.target.trim_end_matches('/');
        (!path.contains('?')).then(|| format!("{scheme}://{}{port}{path}", self.host))
    }
}

/// `host:port`, `[::1]:port`, or the host alone.
pub(crate) fn authority_parts(text: &str) -> Result<(ProbeHost, Option<u16>), &'static str> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("the bracket of an IPv6 address is not closed")?;
            (
                ProbeHost::Address(
                    host.parse::<std::net::Ipv6Addr>().map_err(|_| "it is no IPv6 address")?.into(),
                ),
                port,
            )
        }
        None => {
            let end = text.find(':').unwrap_or(text.len());
            (named(&text[..end])?, &text[end..])
        }
    };
    let Some(digits) = port.strip_prefix(':') else {
        return if port.is_empty() { Ok((host, None)) } else { Err("after the host comes `:` and a port") };
    };
    let number = digits.bytes().all(|b| b.is_ascii_digit());
    match digits.parse::<u16>().ok().filter(|port| number && *port > 0) {
        Some(port) => Ok((host, Some(port))),
        None => Err("the port is a number from 1 to 65535"),
    }
}

fn named(text: &str) -> Result<ProbeHost, &'static str> {
    // What is all digits and dots is an address or a mistake, never a name.
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return match text.parse::<std::net::Ipv4Addr>() {
            Ok(address) => Ok(ProbeHost::Address(address.into())),
            Err(_) => Err("it is no IPv4 address"),
        };
    }
    match text.parse::<DomainName>() {
        Ok(name) => Ok(ProbeHost::Name(name.to_string())),
        Err(_) => Err("the host is neither an address nor a name"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (text, host, port, target, folder) in [
            (
                "http://127.0.0.1:8080/health",
                "127.0.0.1",
                8080,
                "/health",
                Some("http://127.0.0.1:8080/health"),
            ),
            (
                "https://Updates.Example/a/b//",
                "updates.example",
                443,
                "/a/b//",
                Some("https://updates.example/a/b"),
            ),
            ("http://[::1]/", "[::1]", 80, "/", Some("http://[::1]")),
            ("http://shop", "shop", 80, "/", Some("http://shop")),
            ("http://shop?x=1", "shop", 80, "/?x=1", None),
        ] {
            let url = Url::parse(text).unwrap();
            let parts = (url.host.to_string(), url.port_or_default(), url.target.as_str(), url.folder());
            assert_eq!(parts, (host.to_owned(), port, target, folder.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_of_ours_is_said() {
        for (text, why) in [
            ("", "begins with"),
            ("ftp://a/", "begins with"),
            ("HTTP://a/", "begins with"),
            ("http://", "host"),
            ("http:///x", "host"),
            ("http://a b/", "spaces"),
            ("http://a/\n", "spaces"),
            ("http://é/", "spaces"),
            ("http://u:p@a/", "password"),
            ("http://a/#x", "#"),
            ("http://a:0/", "port"),
            ("http://a:65536/", "port"),
            ("http://a:/", "port"),
            ("http://a:+1/", "port"),
            ("http://[::1/", "bracket"),
            ("http://[::1]x/", "comes"),
            ("http://[1.2.3.4]/", "IPv6"),
            ("http://1.2.3/", "IPv4"),
            ("http://a..b/", "host"),
            ("http://-a/", "host"),
        ] {
            let error = Url::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
