//! Text that cannot be printed.

use std::fmt;

use zeroize::Zeroizing;

/// A credential. It has no `Display`, its `Debug` shows stars, it does not serialise, and its memory is wiped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one place that must send it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{SettingValue, Settings};

    #[test]
    fn nothing_that_holds_a_secret_prints_it() {
        let secret = Secret::new("canary".to_owned());
        let settings = BTreeMap::from([("token".to_owned(), SettingValue::Secret(secret.clone()))]);
        for shown in [
            format!("{secret:?}"),
            format!("{secret:#?}"),
            format!("{:?}", SettingValue::Secret(secret.clone())),
            format!("{:#?}", Settings(settings)),
            format!("{:?}", Some(vec![secret])),
        ] {
            assert!(shown.contains("Secret(***)") && !shown.contains("canary"), "{shown}");
        }
    }
}
