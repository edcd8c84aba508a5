//! Certificates made for one test: an authority, and what it signs. Keys are of P-256, dates are far away unless said.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub struct Pair {
    pub cert: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Its own certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for these host names and addresses, good for servers and for clients.
    pub fn sign(&self, names: &[&str]) -> Pair {
        self.sign_until(names, 4096)
    }

    /// The same, until the first day of a year.
    pub fn sign_until(&self, names: &[&str], year: i32) -> Pair {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        Pair { cert: params.signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }

    /// A certificate that says who somebody is: a name and a group, as Kubernetes reads them.
    pub fn sign_person(&self, name: &str, group: &str) -> Pair {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationName, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Pair { cert: params.signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }
}

/// The files of one instance in a folder `tls`: `ca.crt`, `tls.crt`, `tls.key`, each replaced as a whole.
pub struct Files(PathBuf);

impl Files {
    pub fn in_folder(folder: &Path) -> Self {
        let folder = folder.join("tls");
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub fn ca(&self, text: &str) {
        self.put("ca.crt", text);
    }

    /// One after the other, as everybody does it: for a moment they do not belong together.
    pub fn pair(&self, pair: &Pair) {
        self.put("tls.crt", &pair.cert);
        self.put("tls.key", &pair.key);
    }

    pub fn put(&self, name: &str, text: &str) {
        let beside = self.0.join(format!("{name}~"));
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, self.0.join(name)).unwrap();
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.0.join(name)).unwrap();
    }
}
