package dev.graft.cli;

import java.text.DecimalFormat;
import java.time.Duration;
import java.util.OptionalLong;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A bar on a terminal, redrawn in place by the library's own thread. */
final class BarProgress implements Progress {
  private final ProgressBar bar;

  BarProgress(String task, Unit unit, long done, OptionalLong total) {
    ProgressBarBuilder builder =
        ProgressBar.builder()
            .setTaskName(task)
            .setInitialMax(total.orElse(-1))
            .setStyle(ProgressBarStyle.UNICODE_BLOCK)
            .setUnit(" " + unit.name(), unit.size())
            .setUpdateIntervalMillis(250)
            .showSpeed(new DecimalFormat("0.0"));
    if (done > 0) {
      builder.startsFrom(done, Duration.ZERO);
    }
    bar = builder.build();
  }

  @Override
  public void add(long n) {
    bar.stepBy(n);
  }

  @Override
  public void to(long done) {
    bar.stepTo(done);
  }

  @Override
  public void message(String text) {
    bar.setExtraMessage(" " + text);
  }

  @Override
  public void close() {
    bar.close();
  }
}
