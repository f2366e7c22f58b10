//! Real recordings, where the folder with third-party data lies beside the repository.
//! t
