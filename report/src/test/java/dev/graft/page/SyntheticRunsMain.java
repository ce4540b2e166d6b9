package dev.graft.page;

import java.io.IOException;
import java.nio.file.Path;

/** Writes a folder of synthetic runs to look at the page with: {@code SyntheticRunsMain OUT}. */
final class SyntheticRunsMain {
  private SyntheticRunsMain() {}

  public static void main(String[] args) throws IOException {
    Path out = Path.of(args[0]);
    SyntheticRuns demo = new SyntheticRuns(600, 4, 8);
    demo.write(out.resolve("demo"), "dense-continued", SyntheticRuns.Kind.DENSE, 1e-3, 1);
    demo.write(out.resolve("demo"), "upcycled", SyntheticRuns.Kind.UPCYCLED, 1e-3, 1);
    demo.write(out.resolve("demo"), "from-scratch", SyntheticRuns.Kind.SCRATCH, 1e-3, 1);
    SyntheticRuns grid = new SyntheticRuns(2000, 12, 8);
    for (double lr : new double[] {3e-4, 1e-3, 3e-3}) {
      for (int seed = 1; seed <= 3; seed++) {
        String suffix = "-lr" + (lr == 3e-4 ? "3e-4" : lr == 1e-3 ? "1e-3" : "3e-3");
        suffix += "-seed" + seed;
        Path folder = out.resolve("grid");
        grid.write(folder, "dense-continued" + suffix, SyntheticRuns.Kind.DENSE, lr, seed);
        grid.write(folder, "upcycled" + suffix, SyntheticRuns.Kind.UPCYCLED, lr, seed);
        grid.write(folder, "from-scratch" + suffix, SyntheticRuns.Kind.SCRATCH, lr, seed);
      }
    }
  }
}
