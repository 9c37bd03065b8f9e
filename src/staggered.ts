// Deals out pieces of work to several contenders that are timed on them, so that none profits from what another left in the caches.

/**
 * Which of `turns` pieces a member takes in turn `turn`. Over all turns every member takes each piece once; in one turn no two members take
 * the same piece, as long as there are no more members than pieces.
 */
export function staggered(turn: number, member: number, members: number, turns: number): number {
  return (turn + Math.floor((member * turns) / members)) % turns;
}
