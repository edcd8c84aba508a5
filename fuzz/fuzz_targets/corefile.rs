#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| interlocal_fuzz::corefile::run(data));
