package dev.graft.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code graft plan}: which mesh, what it takes and why. */
@Command(
    name = "plan",
    mixinStandardHelpOptions = true,
    description = "Plans a training run on a cluster.",
    subcommands = {PlanValidateCommand.class})
final class PlanCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getErr());
    return ExitCode.INVALID_INPUT.code();
  }
}
