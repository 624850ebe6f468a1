// Work items, one invocation each: specialization constant 0 is the workgroup's size, the grid is Lowering::spread.
layout(local_size_x_id = 0) in;

uint group_number() { return gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x; }
uint item_number() { return group_number() * gl_WorkGroupSize.x + gl_LocalInvocationID.x; }
