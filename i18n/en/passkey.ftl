# Passkeys.
passkey-title = Passkeys
passkey-hint = Sign in with the finger, face or unlock code of a phone, computer or security key. No password, no 6-digit code.
passkey-none = You have no passkey yet.
passkey-name = Name of the key
passkey-name-example = My phone
passkey-make = Add a passkey
passkey-made = Passkey added.
passkey-used = Last used
passkey-remove = Remove
passkey-removed = Passkey removed.
passkey-use = Sign in with a passkey
passkey-cancelled = The device did not confirm. Try again, or sign in with your password.
passkey-refused = This passkey could not be confirmed. Try again.
passkey-late = That took too long. Try again.
passkey-unknown = This passkey belongs to no active account. Sign in with your password.
passkey-too-many = The account has many passkeys. Remove those you do not use.
passkey-sign-in-with-factor = This account has a second factor already. Sign out and sign in with it before adding another.
