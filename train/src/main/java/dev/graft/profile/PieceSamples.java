package dev.graft.profile;

import dev.graft.calibration.Profile;

/** Measurements of a stretch of the model. */
final class PieceSamples {
  final Samples forward = new Samples();
  final Samples backward = new Samples();
  final Samples backwardRecomputed = new Samples();
  final Samples kept = new Samples();
  final Samples keptIfRecomputed = new Samples();
  final Samples forwardPeak = new Samples();
  final Samples backwardPeak = new Samples();

  /** Medians. */
  Profile.Piece medians() {
    double back = backward.median();
    return new Profile.Piece(
        forward.median(),
        back,
        Math.max(0, backwardRecomputed.median() - back),
        Math.round(kept.median()),
        Math.round(keptIfRecomputed.median()),
        Math.round(forwardPeak.median()),
        Math.round(backwardPeak.median()));
  }
}
