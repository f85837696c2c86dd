"""The MFCC engine: conventions, filters, spectra, loops."""
