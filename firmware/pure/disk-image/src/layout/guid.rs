use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The UUID, version 8, of `name` in `namespace` (RFC 9562 section 5.8 and appendix B.2).
pub(super) fn derive(namespace: Uuid, name: &str) -> Uuid {
    let digest = Sha256::new().chain_update(namespace.as_bytes()).chain_update(name).finalize();
    Uuid::new_v8(std::array::from_fn(|i| digest[i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vector of RFC 9562 appendix B.2.
    #[test]
    fn is_the_uuid_the_rfc_derives() {
        let uuid = derive(Uuid::NAMESPACE_DNS, "www.example.com");
        assert_eq!(uuid.to_string(), "5c146b14-3c52-8afd-938a-375d0df1fbf6");
    }
}
