"""What Parcelway costs in time: see README.md."""
