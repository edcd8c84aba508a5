//! Helm and a real API server.
