/// Whether two references mean the same image: `hello`, `localhost/hello` and `localhost/hello:latest` do.
pub fn is_same_image(a: &str, b: &str) -> bool {
    full(a) == full(b)
}

/// A reference with registry and tag. Podman calls what was built or loaded without a registry `localhost/…`.
fn full(reference: &str) -> String {
    let first = reference.split('/').next().unwrap_or_default();
    let has_registry = reference.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    let named = if has_registry { reference.to_owned() } else { format!("localhost/{reference}") };
    let last = named.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) { named } else { format!("{named}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_compared_with_registry_and_tag_filled_in() {
        for (a, b) in [
            ("hello", "localhost/hello:latest"),
            ("localhost/hello:1", "hello:1"),
            ("reg.lan:5000/x", "reg.lan:5000/x:latest"),
        ] {
            assert!(is_same_image(a, b), "{a} {b}");
        }
        for (a, b) in [("hello:1", "hello:2"), ("reg.lan/hello", "hello"), ("a/hello", "b/hello")] {
            assert!(!is_same_image(a, b), "{a} {b}");
        }
    }
}
