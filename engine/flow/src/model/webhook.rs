//! A trigger that is told by a service.

use crate::expr::Template;
use crate::project::SettingText;

/// Starts once for each delivery that proves where it comes from.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// How a delivery proves where it comes from.
    pub verify: Verify,
    /// What tells a delivery from others, so that one that comes again makes no second run.
    pub id: Option<Template>,
    /// How its body is read.
    pub accepts: Accepts,
}

/// How a delivery proves where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verify {
    /// By a signature over its body.
    Hmac(Hmac),
    /// By a token that it brings along.
    Bearer(SettingText),
}

/// A signature over a delivery's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hmac {
    /// What both sides know.
    pub secret: SettingText,
    /// The header that brings it.
    pub header: String,
    /// How it is computed.
    pub algorithm: HmacAlgorithm,
    /// How it is written.
    pub encoding: HmacEncoding,
    /// What stands before it in the header, such as `sha256=`.
    pub prefix: String,
}

/// How a signature is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HmacAlgorithm {
    /// HMAC with SHA-256.
    #[default]
    Sha256,
    /// HMAC with SHA-512.
    Sha512,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HmacEncoding {
    /// In hexadecimal digits.
    #[default]
    Hex,
    /// In base64.
    Base64,
}

/// How a delivery's body is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accepts {
    /// As JSON.
    #[default]
    Json,
    /// As the fields of a form.
    Form,
}
