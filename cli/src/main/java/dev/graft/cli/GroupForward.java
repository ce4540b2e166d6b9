package dev.graft.cli;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.decoder.Chunk;
import dev.graft.decoder.Forward;
import dev.graft.decoder.ProcessForward;
import dev.graft.decoder.ScoredRows;
import dev.graft.parallel.Rendezvous;
import java.io.IOException;
import java.util.List;

/** A forward over processes together with the rendezvous that must outlive it. */
record GroupForward(Rendezvous rendezvous, Forward forward) implements Forward {
  /** Joins a group. */
  interface Joining {
    ProcessForward join() throws IOException;
  }

  /** Joins; closes the rendezvous if that fails. */
  static GroupForward open(Rendezvous rendezvous, Joining joining) throws IOException {
    try {
      return new GroupForward(rendezvous, joining.join());
    } catch (IOException | RuntimeException | Error e) {
      rendezvous.close();
      throw e;
    }
  }

  @Override
  public ModelSpec spec() {
    return forward.spec();
  }

  @Override
  public int pageSize() {
    return forward.pageSize();
  }

  @Override
  public int pageCount() {
    return forward.pageCount();
  }

  @Override
  public float[][] step(List<Chunk> chunks, ScoredRows scored) {
    return forward.step(chunks, scored);
  }

  @Override
  public void close() {
    try {
      forward.close();
    } finally {
      rendezvous.close();
    }
  }
}
