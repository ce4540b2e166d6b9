package dev.graft.service;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.decoder.Chunk;
import dev.graft.decoder.Forward;
import dev.graft.decoder.ScoredRows;
import dev.graft.layout.PeerLostException;
import java.util.List;
import java.util.function.Consumer;

/** A forward of which somebody is told when it cannot go on. */
record WatchedForward(Forward forward, Consumer<Throwable> lost) implements Forward {
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
    try {
      return forward.step(chunks, scored);
    } catch (PeerLostException e) {
      lost.accept(e);
      throw e;
    }
  }

  @Override
  public void close() {
    forward.close();
  }
}
