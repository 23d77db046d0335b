//! What the API keeps on the disk and reads again: records of jobs, answers of `apply-config`, tokens, the audit log and its exports.
//! Any bytes are read or refused; what is read is written the same, and reads the same again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use provision_protocol::audit::{AuditLog, Head, verify_export};
use provision_protocol::jobs::{Answer, JobRecord, Jobs};
use provision_protocol::tokens::Tokens;

fuzz_target!(|data: &[u8]| {
    if let Ok(record) = JobRecord::parse(data) {
        assert_eq!(JobRecord::parse(&record.to_bytes()).unwrap(), record);
        let loaded = Jobs::load([(record.file_name().as_str(), data)]);
        assert_eq!(loaded.jobs.iter().count() + loaded.interrupted.len(), 1);
    }
    if let Ok(tokens) = Tokens::parse(data) {
        assert_eq!(Tokens::parse(&tokens.to_bytes()).unwrap(), tokens);
    }
    if let Ok(answer) = Answer::parse(data) {
        let _how = answer.ended();
    }
    if let Ok(opened) = AuditLog::open(data, Head::NONE, Head::NONE) {
        assert!(opened.whole <= data.len());
        assert!(AuditLog::open(&data[..opened.whole], Head::NONE, opened.log.head()).is_ok());
    }
    let _either = verify_export(data);
});
